#!/bin/sh
# SPDX-License-Identifier: MIT
# recipes.sh PLANISH RANDOM_WEIGHTS RECIPES: every recipe trains 20 steps with small batches: losses are finite,
# weights are left, and those of the systems smooth a picture.
set -eu
planish=$1 random=$2 recipes=$3
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

# Drawn scenes stand for photographs, their classes and edges for what people drew.
"$planish" -q dataset make scenes -o s --count 12 --texture-count 6 --size 128x112 --seed 2
"$planish" -q dataset make voc-smooth -o voc --photos s/gt --labels s/class --easy 1 --texture-count 6
"$planish" -q dataset make bsds-ext -o bsds --photos s/gt --labels s/edge --easy 1 --texture-count 6
mkdir photos
ln -s ../s/gt photos/photo
ln -s ../s/class photos/class
for net in vgg16 deeplabv3 eme; do "$random" $net $net.safetensors; done
"$planish" -q sample scene --seed 1 --size 40x30 -o x.png

# The ablations' networks are no methods of their own.
smooths() {
    case $1 in
    jess | csgis | fan | sasnet | mi) "$planish" -q smooth x.png -m "$1" --weights "$2" -o y.png ;;
    *) [ -s "$2" ] ;;
    esac
}

passed=0 failed=0
for r in "$recipes"/*.ini; do
    name=$(basename "$r" .ini)
    system=$(sed -n 's/^system=\([a-z0-9_]*\).*/\1/p' "$r")
    case $system in mi | eme) data=bsds ;; fan) data=photos ;; *) data=voc ;; esac
    if "$planish" -q train "$r" -o "run-$name" --data $data --set optimiser.steps=20 --set data.batch=2 \
        --set data.patch=64 --set validation.every=20 --set validation.pairs=1 --set validation.patch=64 \
        --set frozen.vgg16=vgg16.safetensors --set frozen.deeplabv3=deeplabv3.safetensors \
        --set frozen.eme=eme.safetensors && [ "$(grep -c '"loss":-\{0,1\}[0-9]' "run-$name/log.jsonl")" = 20 ] &&
        smooths "$system" "run-$name/best.safetensors"; then
        passed=$((passed + 1))
    else
        echo "$name failed"
        failed=$((failed + 1))
    fi
    rm -rf "run-$name"
done
echo "$passed recipes trained, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
