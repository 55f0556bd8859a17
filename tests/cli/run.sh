#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh [--update] PLANISH NAME...: runs NAME.sh in an empty folder, where `planish` is the command,
# and compares what it prints with NAME.sh.stdout, NAME.sh.stderr (absent: nothing) and its exit status
# with NAME.sh.exit (absent: 0). Times, versions, paths and the machine are normalised first. A script
# that exits with 77 needs what this machine lacks: skipped.
# --update rewrites the expectations instead: read the difference before you commit it.
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
update=
[ "$1" != --update ] || { update=1; shift; }
command=$(cd "$(dirname "$1")" && pwd -P)/$(basename "$1")
shift
tmp=$(mktemp -d)
tmp=$(cd "$tmp" && pwd -P)
trap 'rm -rf "$tmp"' EXIT

normalise() {
    sed -E -e "s|$tmp/work|WORK|g; s|$tmp|TMP|g; s|$here|HERE|g" \
        -e 's/[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)? s\b/T s/g' \
        -e 's/"(load|run|save|seconds|fraction|eta_s|seconds_per_frame)": ?([0-9.e+-]+|null)/"\1":T/g' \
        -e 's/"(peak|limit|working|total)_bytes": ?[0-9]+/"\1_bytes":N/g' \
        -e 's/ [0-9.]+ [kMGT]?B, about/ SIZE, about/g' \
        -e 's/ [0-9.]+ [kMGT]?B of [0-9.]+ [kMGT]?B/ SIZE of SIZE/g' \
        -e 's/(cuda:[0-9]+): (planish_cuda.so is not installed|NVIDIA.s driver is .*|the driver is for .*|no CUDA device: .*|no such device: .*): expected/\1: NOT HERE: expected/' \
        -e 's/planish [0-9]+\.[0-9]+\.[0-9]+/planish VERSION/g' "$1"
}

# expect KIND FILE: the same as NAME.sh.KIND?
expect() {
    wanted=$here/$name.sh.$1
    if [ "$update" ]; then
        if [ -s "$2" ]; then cp "$2" "$wanted"; else rm -f "$wanted"; fi
        return 0
    fi
    [ -e "$wanted" ] || wanted=/dev/null
    diff -u "$wanted" "$2" && return 0
    echo "tests/cli/$name.sh: $1 differs"
    return 1
}

failed=0 skipped=0
for name; do
    rm -rf "${tmp:?}"/*
    mkdir "$tmp/work" "$tmp/home" "$tmp/config" "$tmp/bin"
    ln -s "$command" "$tmp/bin/planish"
    status=0
    (
        cd "$tmp/work"
        for variable in $(env | sed -n 's/^\(PLANISH_[A-Z]*\)=.*/\1/p'); do unset "$variable"; done
        unset OMP_NUM_THREADS
        export LSAN_OPTIONS="suppressions=$here/leaks.txt:print_suppressions=0"
        export PATH="$tmp/bin:$PATH" HOME="$tmp/home" XDG_CONFIG_HOME="$tmp/config" LC_ALL=C.UTF-8 \
            PLANISH_THREADS=2 PLANISH_MEMORY=2G PLANISH_DEVICE=cpu DATA="$here/.." \
            STANDIN="$(dirname "$command")/tests/nn/standin"
        exec sh -c '. "$0/lib.sh"; . "$0/$1.sh"' "$here" "$name"
    ) >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
    [ $status != 77 ] || { skipped=77; continue; }
    normalise "$tmp/out" >"$tmp/out.n"
    normalise "$tmp/err" >"$tmp/err.n"
    if [ $status = 0 ]; then : >"$tmp/exit"; else echo $status >"$tmp/exit"; fi
    good=1
    expect stdout "$tmp/out.n" || good=0
    expect stderr "$tmp/err.n" || good=0
    expect exit "$tmp/exit" || good=0
    [ $good = 1 ] || {
        failed=1
        echo "again: $here/run.sh $command $name; new expectations: --update before the command"
    }
done
[ $failed = 0 ] || exit 1
exit $skipped
