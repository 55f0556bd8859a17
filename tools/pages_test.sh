#!/bin/sh
# SPDX-License-Identifier: MIT
# pages_test.sh PAGES DOCS: the committed pages say what the descriptors say.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"$1" "$tmp" >/dev/null
for page in "$tmp"/*.md; do
    diff -u "$2/${page##*/}" "$page" || {
        echo "docs/methods is out of date: make docs"
        exit 1
    }
done
for page in "$2"/*.md; do
    [ -e "$tmp/${page##*/}" ] || {
        echo "$page belongs to no method"
        exit 1
    }
    picture=${page%.md}.jpg
    [ "${page##*/}" = README.md ] || [ -s "$picture" ] || {
        echo "$picture is missing: make docs"
        exit 1
    }
done
