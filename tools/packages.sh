#!/bin/sh
# SPDX-License-Identifier: MIT
# packages.sh GROUP...: installs the packages of packages.txt that are missing, those of the named
# groups. Asks nothing, does nothing when all are there. apt-get needs root: sudo is used otherwise.
set -eu
list=$(dirname "$0")/../packages.txt
names=
for group; do
    names="$names $(awk -v g="$group" '$1 == g { print $2 }' "$list")"
done

if ! command -v dpkg-query >/dev/null; then
    echo "not a Debian system: make sure that these are installed, by their Debian names:" $names >&2
    exit 0
fi
missing=
for name in $names; do
    # A package of several architectures has several states.
    case " $(dpkg-query -W -f='${db:Status-Status} ' "$name" 2>/dev/null)" in
    *" installed "*) ;;
    *) missing="$missing $name" ;;
    esac
done
[ -n "$missing" ] || exit 0

run=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "missing packages, and neither root nor sudo to install them: apt-get install$missing" >&2
        exit 1
    }
    run=sudo
fi
echo "installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# The lists of a fresh machine are empty or old: only then are they fetched.
$run apt-get install -y -q --no-install-recommends $missing >/dev/null 2>&1 || {
    $run apt-get update -q
    $run apt-get install -y -q --no-install-recommends $missing
}
