#!/bin/sh
# SPDX-License-Identifier: MIT
# write_test.sh PLANISH SHIM IN.npy WEIGHTS_WRITER: the n-th system call that writes fails, for every n, and the disk
# fills up at every size: exit status 4, one line of message, the old file as it was, nothing else.
set -eu
planish=$1 shim=$2 input=$3 writer=$4
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/out"
export FAIL_BELOW="$(cd "$tmp/out" && pwd -P)" FAIL_SEEN="$tmp/seen"

problem() {
    echo "$1"
    echo "message: $(cat "$tmp/message")"
    exit 1
}

# attempt EXTENSION: runs with the variables set by the caller; sets status.
attempt() {
    rm -f "$tmp/seen"
    printf 'the old file' >"$tmp/out/a.$1"
    status=0
    if [ "$1" = safetensors ]; then
        LD_PRELOAD=$shim "$writer" "$tmp/out/a.$1" 2>"$tmp/message" || status=$?
        return
    fi
    LD_PRELOAD=$shim "$planish" -q smooth "$input" -o "$tmp/out/a.$1" --depth "$2" -m gf --radius 2 \
        2>"$tmp/message" || status=$?
}

# failed WHAT EXTENSION: what must hold after a failure.
failed() {
    [ "$status" = 4 ] || problem "$1: exit status $status, expected 4"
    [ "$(grep -c '^planish: error: ' "$tmp/message")" = 1 ] || problem "$1: not one line of error"
    [ "$(cat "$tmp/out/a.$2")" = 'the old file' ] || problem "$1: the old file is gone or changed"
    [ "$(ls -A "$tmp/out")" = "a.$2" ] || problem "$1: left behind: $(ls -A "$tmp/out")"
}

for kind in 'npy f32' 'png 8' 'jpg 8' 'tiff 16' 'safetensors 32'; do
    set -- $kind
    n=1
    while :; do
        FAIL_CALL=$n
        export FAIL_CALL
        attempt "$1" "$2"
        [ -e "$tmp/seen" ] || break
        failed "$1, call $n failed" "$1"
        n=$((n + 1))
        [ $n -lt 500 ] || problem "$1: more than 500 calls"
    done
    unset FAIL_CALL
    [ "$status" = 0 ] || problem "$1: fails although no call was failed"
    [ $n -gt 4 ] || problem "$1: only $((n - 1)) calls: open, write, sync and rename were expected"
    size=$(wc -c <"$tmp/out/a.$1")
    [ "$size" -gt 100 ] || problem "$1: the last run wrote $size bytes"
    for bytes in 0 1 100 $((size / 2)) $((size - 1)); do
        FAIL_AFTER=$bytes
        export FAIL_AFTER
        attempt "$1" "$2"
        unset FAIL_AFTER
        failed "$1, disk full after $bytes of $size bytes" "$1"
    done
    rm "$tmp/out/a.$1"
done
