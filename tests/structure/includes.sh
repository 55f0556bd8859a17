#!/bin/sh
# SPDX-License-Identifier: MIT
# includes.sh SRC ROOMS: reads every #include below SRC and fails on one that the list ROOMS does not
# allow: up to a higher room, or sideways past the public header of a lower one. Then does the same
# with a tree that is wrong on purpose, so that a broken check cannot pass.
set -eu
src=$1
rooms=$2

check() { # check SRC
    find "$1" -name '*.[ch]' | LC_ALL=C sort | while read -r file; do
        awk -v root="$1" '
            FILENAME == ARGV[1] {
                if ($1 == "also")
                    public[$2]
                else if ($0 !~ /^#/ && split($0, part, ":") == 2)
                    allowed[part[1]] = part[2] " "
                next
            }
            FNR == 1 {
                path = substr(FILENAME, length(root) + 2)
                room = path
                sub(/\/.*/, "", room)
                if (!(room in allowed)) print path ": room " room " is not in the list of rooms"
            }
            /^[ \t]*#[ \t]*include[ \t]*"/ {
                name = $0
                sub(/^[^"]*"/, "", name)
                sub(/".*/, "", name)
                if (name == "planish/planish.h" || index(name, "/") == 0) next
                from = name
                sub(/\/.*/, "", from)
                if (name ~ /^\.\./)
                    print path ":" FNR ": " name ": say ROOM/FILE.h"
                else if (from == room)
                    next
                else if (index(allowed[room], " " from " ") == 0)
                    print path ":" FNR ": " name ": " room " may not use " from
                else if (name != from "/" from ".h" && !(name in public))
                    print path ":" FNR ": " name ": only " from "/" from ".h is for other rooms"
            }' "$rooms" "$file"
    done
}

found=$(check "$src")
if [ -n "$found" ]; then
    echo "$found"
    exit 1
fi

wrong=$(mktemp -d)
trap 'rm -rf "$wrong"' EXIT
mkdir -p "$wrong/core" "$wrong/image" "$wrong/attic"
echo '#include "image/image.h"' >"$wrong/core/up.c"
printf '#include "core/core.h"\n#include "core/internal.h"\n' >"$wrong/image/past.c"
echo '#include "../core/core.h"' >"$wrong/image/dots.c"
echo '#include <stdio.h>' >"$wrong/attic/new.c"
found=$(check "$wrong" | wc -l)
if [ "$found" != 4 ]; then
    echo "the check found $found of the 4 wrong includes planted for it"
    check "$wrong"
    exit 1
fi
