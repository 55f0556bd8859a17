#!/bin/sh
# SPDX-License-Identifier: MIT
# symbols.sh LIBRARY HEADER SONAME: the shared library exports exactly the functions that the header
# marks PLN_API, no more and no fewer, under the right SONAME.
set -eu
library=$1 header=$2 soname=$3
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export LC_ALL=C

# A declaration may span lines; the name is the first pln_* that is followed by a parenthesis.
tr '\n' ' ' <"$header" | sed 's/;/;\n/g' | grep -o 'PLN_API [^(]*(' | grep -v 'define\|__attribute__' |
    sed 's/($//; s/.*[ *]\(pln_[a-z0-9_]*\)$/\1/' | sort >"$tmp/declared"
nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >"$tmp/exported"

[ "$(wc -l <"$tmp/declared")" -gt 20 ] || { echo "found only these in $header:"; cat "$tmp/declared"; exit 1; }
diff -u "$tmp/declared" "$tmp/exported" || {
    echo "declared with PLN_API in $header (-) but exported by $library (+)"
    exit 1
}
readelf -d "$library" | grep -q "SONAME.*\[$soname\]" || {
    echo "SONAME is not $soname:"
    readelf -d "$library" | grep SONAME
    exit 1
}
