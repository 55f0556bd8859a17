#!/bin/sh
# SPDX-License-Identifier: MIT
# datasets.sh FILE DATASET...: writes the figures of docs/datasets.md, between the two comments that
# name this script: counts and scores of the inputs (150 pairs of each split), what the screening
# accepted, batches a second from the first dataset. PLANISH and LOADER_BENCH are the commands.
# Minutes. The rest of FILE stays.
set -eu
. "$(dirname "$0")/part.sh"
planish=${PLANISH:-build/planish}
bench=${LOADER_BENCH:-build/bench/loader_bench}
out=$1
shift
[ $# -gt 0 ] || {
    echo "datasets.sh: no dataset: make one with 'planish dataset make sps' and name its folder" >&2
    exit 2
}
has_part "$out" Figures 'End of the figures'
parts=$(mktemp -d)
trap 'rm -rf "$parts" "$out.tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# A number of the manifest's parameters.
parameter() { sed -n "s/.*\"$2\": *\([0-9.]*\).*/\1/p" "$1/manifest.json" | head -n 1; }

for dataset in "$@"; do
    "$planish" dataset stats "$dataset" --pairs 150 >"$parts/stats"
    easy=$(parameter "$dataset" easy)
    awk -v easy="$easy" '
        BEGIN {
            published["sps test"] = "20.28 / 0.26"
            published["voc-smooth test"] = "20.97 / 0.388"
            published["nks test"] = "28.04 / 0.574"
        }
        NR == 1 { kind = $1; name = kind (easy != "" && easy < 1 ? ", easiest " 100 * easy " %" : "") }
        NR == 2 { truths = $1; textures = $3; std = $7 }
        NR > 3 {
            printf "| %s | %s | %s | %s | %s | %d | %.2f | %.3f | %.3f | %s | %s |\n", NR == 4 ? name : "",
                NR == 4 ? truths : "", NR == 4 ? textures : "", NR == 4 ? std : "", $1, $2, $4, $5, $6, $7,
                published[kind " " $1]
        }' "$parts/stats" >>"$parts/inputs"
    [ -f "$dataset/screening.tsv" ] || continue
    awk -F'\t' -v easy="$easy" -v kind="$(awk 'NR == 1 { print $1 }' "$parts/stats")" '
        NR > 1 {
            photos[$1]
            tried[$4]++
            passed[$4] += $11
            won[$4] += $12
            truths += $12
            strong += $12 && $3 > 0
        }
        END {
            for (p in photos) n++
            printf "| %s%s | %d | %d | %d", kind, easy != "" && easy < 1 ? ", easiest " 100 * easy " %" : "", n,
                n - truths, strong
            split("bf rgf l0 rtv sdf", methods, " ")
            for (k = 1; k <= 5; k++) printf " | %d / %d / %d", tried[methods[k]], passed[methods[k]], won[methods[k]]
            print " |"
        }' "$dataset/screening.tsv" >>"$parts/screening"
done
for augmentation in jess csgis sasnet; do
    "$bench" "$1" $augmentation >"$parts/bench"
    awk -v a=$augmentation '/^decoded/ { print "| `" a "` | " $(NF - 3) " |" }' "$parts/bench" >>"$parts/batches"
done

{
    echo '| set | truths | textures | layer std | split | pairs | PSNR dB | SSIM-A | SSIM-B | edge pixels | published |'
    echo '|---|---:|---:|---:|---|---:|---:|---:|---:|---:|---:|'
    cat "$parts/inputs"
    if [ -s "$parts/screening" ]; then
        echo
        echo 'Candidates tried / passed / taken:'
        echo
        echo '| set | photographs | none passes | at 2 or 4 times the strength | `bf` | `rgf` | `l0` | `rtv` | `sdf` |'
        echo '|---|---:|---:|---:|---:|---:|---:|---:|---:|'
        cat "$parts/screening"
    fi
    echo
    echo 'Augmented 128x128 pairs a second and core, all companions, files decoded:'
    echo
    echo '| augmentation | pairs/s |'
    echo '|---|---:|'
    cat "$parts/batches"
} >"$parts/new"
put_part "$out" Figures 'End of the figures' <"$parts/new"
