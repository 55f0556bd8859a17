#!/bin/sh
# SPDX-License-Identifier: MIT
# training.sh FILE NAME=RUN...: writes the runs of docs/training.md, between the two comments that name this
# script: a row for each and its curves, images/training-NAME.svg beside FILE. RUN: the folder of a run that may
# still be going on. PLANISH is the command. The rest of FILE stays, rows and curves of runs of other names too.
set -eu
. "$(dirname "$0")/part.sh"
planish=${PLANISH:-build/planish}
out=$1
shift
[ $# -gt 0 ] || {
    echo "training.sh: no run: RUNS='sasnet=run/' names one that 'planish train' made" >&2
    exit 2
}
has_part "$out" Runs 'End of the runs'
parts=$(mktemp -d)
trap 'rm -rf "$parts" "$out.tmp"' EXIT
images=$(dirname "$out")/images
mkdir -p "$images"

# key RUN SECTION KEY: what the recipe of a run says.
key() { awk -F= -v s="[$2]" -v k="$3" '/^\[/ { here = $0 == s } here && $1 == k { print substr($0, length(k) + 2) }' "$1/recipe.ini"; }

curves() { printf '\n### %s\n\n![Loss, validation and rate of the run %s](images/training-%s.svg)\n' "$1" "$1" "$1" >>"$parts/curves"; }

sed -n '/^<!-- Runs/,/^<!-- End of the runs/p' "$out" | grep '^| `' >"$parts/old" || true
while IFS= read -r row; do
    name=${row#'| `'} name=${name%%'`'*}
    case " $* " in *" $name="*) continue ;; esac
    printf '%s\n' "$row" >>"$parts/rows"
    curves "$name"
done <"$parts/old"
for pair in "$@"; do
    name=${pair%%=*} run=${pair#*=}
    "$planish" train report "$run" -o "$parts/table.md" >/dev/null
    "$planish" train report "$run" -o "$images/training-$name.svg" >/dev/null
    start=$(key "$run" network start)
    awk -F' \\| ' -v name="$name" -v net="$(key "$run" network system)" -v start="${start:+ weights}" \
        -v patch="$(key "$run" data patch)" -v batch="$(key "$run" data batch)" '
        / the best \|$/ { best = $5; sub(/: the best.*/, "", best); step = $1; sub(/^\| /, "", step) }
        /hours of steps/ { split($0, w, " "); done = w[1]; of = w[3]; hours = w[5]; rate = w[9] }
        END {
            printf "| `%s` | `%s` |%s | %s | %s | %s of %s | %s | %s | %s | %s |\n", name, net, start, patch, batch,
                done, of, hours, rate, best, step
        }' "$parts/table.md" >>"$parts/rows"
    curves "$name"
done

{
    echo '| run | system | start | patch | batch | steps | hours | pictures/s | best validation | at step |'
    echo '|---|---|---|---:|---:|---:|---:|---:|---|---:|'
    cat "$parts/rows" "$parts/curves"
} >"$parts/new"
put_part "$out" Runs 'End of the runs' <"$parts/new"
