#!/bin/sh
# SPDX-License-Identifier: MIT
# fan.sh FILE RESULTS PHOTOS: writes Fan's part of docs/training.md, between the two comments that name this
# script. RESULTS: a folder with the authors' NAME.input.png and NAME.VARIANT.png; PHOTOS: a folder of photographs
# that were not trained on, for the energies. PLANISH is the command. Minutes. The rest of FILE stays.
set -eu
. "$(dirname "$0")/part.sh"
planish=${PLANISH:-build/planish}
[ $# = 3 ] || {
    echo "fan.sh: expected FILE RESULTS PHOTOS: the page, the authors' pictures, photographs" >&2
    exit 2
}
out=$1 results=$2 photos=$3
has_part "$out" Fan 'End of Fan'
parts=$(mktemp -d)
trap 'rm -rf "$parts" "$out.tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# method VARIANT: 'smooth' is the default of both.
method() { [ "$2" = smooth ] && echo "$1" || echo "$1:$2"; }
psnr() { "$planish" metric "$1" "$2" --scores psnr | awk '{ printf "%.2f", $2 }'; }
energy() { "$planish" metric "$1" "$photos" --scores "fan-$2" | awk '$1 == "mean" { printf "%.0f", $2 }'; }

for variant in smooth abstraction detail texture background foreground; do
    m=$(method fan $variant)
    for truth in "$results"/*."$variant".png; do
        [ -f "$truth" ] || continue
        name=$(basename "$truth" ".$variant.png")
        "$planish" -q smooth "$results/$name.input.png" -m "$m" -o "$parts/result.png"
        echo "| $name | \`$m\` | $(psnr "$results/$name.input.png" "$truth") | $(psnr "$parts/result.png" "$truth") |" >>"$parts/pictures"
    done
done
for variant in smooth abstraction detail texture; do
    m=$(method fan $variant)
    "$planish" -q smooth "$photos" -m "$m" -o "$parts/net-$variant" --format tiff --depth f32
    "$planish" -q smooth "$photos" -m "$(method fan-adam $variant)" -o "$parts/adam-$variant" --format tiff --depth f32
    echo "$m $(energy "$photos" $variant) $(energy "$parts/adam-$variant" $variant) $(energy "$parts/net-$variant" $variant)" |
        awk '{ printf "| `%s` | %s | %s | %s | %.2f |\n", $1, $2, $3, $4, $4 / $3 }' >>"$parts/energies"
done
{
    echo '| picture | method | PSNR dB of the input | of the result |'
    echo '|---|---|---:|---:|'
    cat "$parts/pictures"
    echo
    echo "| variant | the photograph | 100 steps of Adam | the network | network / Adam |"
    echo '|---|---:|---:|---:|---:|'
    cat "$parts/energies"
    echo
    echo "Means of $(ls "$photos" | wc -l) photographs."
} >"$parts/new"
put_part "$out" Fan 'End of Fan' <"$parts/new"
