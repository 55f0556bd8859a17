#!/bin/sh
# SPDX-License-Identifier: MIT
# docs.sh PAGES PLANISH DIR: the methods' pages and, for each, a picture that the command makes from
# its own procedural scene.
set -eu
pages=$1 planish=$2 dir=$3
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$dir"
"$planish" -q sample pair --seed 7 --size 360x240 -o "$tmp/scene.png"
"$pages" "$dir" | while read -r name; do
    "$planish" -q compare "$tmp/scene.png" -m "$name" -o "$tmp/sheet.png" --no-html --panel 300
    # A radius of 0 is the identity: only the format changes.
    "$planish" -q smooth "$tmp/sheet.png" -o "$dir/$name.jpg" -m gf --radius 0 --quality 75
    size=$(wc -c <"$dir/$name.jpg")
    [ "$size" -le 40960 ] || echo "docs: $dir/$name.jpg has $size bytes, more than 40 KB" >&2
done

# The README's picture: texture laid over a scene, and what some methods leave of it.
mkdir -p "$dir/../images"
"$planish" -q sample pair --seed 21 --std 0.12 -o "$tmp/in.png" --truth "$tmp/truth.png"
"$planish" -q compare "$tmp/in.png" -m bf --sigma-s 6 --sigma-r 0.4 -m l0 --lambda 0.08 -m wls --lambda 2 \
    -m rgf --sigma-s 4 --sigma-r 0.2 -m rtv --lambda 0.02 -m sdf:texture --ref "$tmp/truth.png" \
    --columns 4 --panel 240 --no-html -o "$tmp/sheet.png"
"$planish" -q smooth "$tmp/sheet.png" -o "$dir/../images/methods.jpg" -m gf --radius 0 --quality 80
