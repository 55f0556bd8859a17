# SPDX-License-Identifier: MIT
# What the scripts of tests/cli share. Pictures are made here: no files are needed.

# t ARGUMENTS: runs planish; its line goes to both outputs, a status other than 0 to stdout.
t() {
    echo "$ planish $*"
    echo "$ planish $*" >&2
    status=0
    planish "$@" || status=$?
    [ $status = 0 ] || echo "exit $status"
}

# s ARGUMENTS: the same for a command that need not show anything.
s() { planish "$@" || echo "planish $*: exit $?"; }

say() {
    echo "# $*"
    echo "# $*" >&2
}

# pgm W H: a grey picture in plain text, a ramp with two steps, to stdout.
pgm() {
    awk -v w="$1" -v h="$2" 'BEGIN {
        printf "P2\n%d %d\n255\n", w, h
        for (y = 0; y < h; y++)
            for (x = 0; x < w; x++)
                print (x * 7 + y * 13) % 40 + (x >= w / 2 ? 120 : 20) + (y >= h / 2 ? 60 : 0)
    }'
}

# npy DESCR SHAPE: the head of a .npy file, to stdout: npy '|u1' '2, 3' >a.npy; printf ... >>a.npy
npy() {
    printf '\223NUMPY\001\000v\000'
    printf '%-117s\n' "{'descr': '$1', 'fortran_order': False, 'shape': ($2), }"
}

# floats FILE: the samples of a float32 .npy, rounded: the last digits depend on the instruction set.
# header FILE: its header.
floats() {
    od -An -v -tf4 -w16 -j128 "$1" |
        awk '{ for (i = 1; i <= NF; i++) printf("%s%.3f", (i > 1) ? " " : "", $i + 0); print "" }'
}
header() { head -c 128 "$1" | tail -c 118 | sed 's/ *$//'; }

same() { if cmp -s "$1" "$2"; then echo "$1 = $2"; else echo "$1 differs from $2"; fi; }
files() { find . -type f | LC_ALL=C sort | sed 's|^\./||'; }

# lines FOLDER: results in the cache of an evaluation.
lines() { cut -f1 "$1/cache/1-of-1.tsv" 2>/dev/null | sort -u | wc -l; }

# tiny_recipe STEPS EVERY: a SASNet of one narrow block, to stdout; ends with the section of validation.
tiny_recipe() {
    cat <<R
[network]
system=sasnet
config={"width": 8, "blocks": [1]}
[data]
patch=32
batch=2
[optimiser]
steps=$1
rate=1e-3
[loss]
l1=1
[validation]
every=$2
pairs=2
patch=32
R
}
