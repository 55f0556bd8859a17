#!/bin/sh
# SPDX-License-Identifier: MIT
# example_test.sh PROGRAM IN.npy: the example smooths a picture and reports a missing one.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"$1" "$2" "$tmp/out.npy"
# Same shape and type as the input, other values.
[ "$(wc -c <"$tmp/out.npy")" = "$(wc -c <"$2")" ]
if cmp -s "$2" "$tmp/out.npy"; then
    echo "the picture came back unchanged"
    exit 1
fi
if "$1" "$tmp/absent.png" "$tmp/no.npy" 2>"$tmp/message"; then
    echo "a missing file is no error"
    exit 1
fi
grep -q 'absent.png' "$tmp/message"
[ ! -e "$tmp/no.npy" ]
