#!/bin/sh
# SPDX-License-Identifier: MIT
# memory_test.sh PLANISH SHIM IN.npy: every allocation of the command fails once: exit status 5, one line of
# message, no file.
set -eu
planish=$1 shim=$2 input=$3
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/out" "$tmp/in"
cp "$input" "$tmp/in/a.npy"
cp "$input" "$tmp/in/b.npy"
export FAIL_SEEN="$tmp/seen"

problem() {
    echo "$1"
    echo "message: $(cat "$tmp/message")"
    exit 1
}

# each CODE ARGS...: fails allocation 1, 2, ... of planish ARGS until it passes. CODE: the exit status.
each() {
    code=$1
    shift
    n=1
    while :; do
        rm -rf "$tmp/seen" "$tmp/out"
        mkdir "$tmp/out"
        status=0
        FAIL_ALLOC=$n LD_PRELOAD=$shim "$planish" "$@" >"$tmp/stdout" 2>"$tmp/message" || status=$?
        [ -e "$tmp/seen" ] || break
        case " $code " in
        *" $status "*) ;;
        *) problem "planish $*: allocation $n failed: exit status $status, expected $code" ;;
        esac
        [ "$(grep -c '^planish: error: ' "$tmp/message")" -ge 1 ] || problem "planish $*: allocation $n failed: no line of error"
        left=$(find "$tmp/out" -type f ! -name '[ab].*')
        [ -z "$left" ] || problem "planish $*: allocation $n failed: left behind: $left"
        [ "$#" -lt 2 ] || [ "$status" = 1 ] || [ -z "$(ls "$tmp/out")" ] || problem "planish $*: allocation $n failed: $(ls "$tmp/out") is there"
        n=$((n + 1))
        [ $n -lt 3000 ] || problem "planish $*: more than 3000 allocations"
    done
    [ "$status" = 0 ] || problem "planish $*: exit status $status although nothing failed"
    [ $n -gt 3 ] || problem "planish $*: only $((n - 1)) allocations were seen"
}

each 5 -t 2 smooth "$tmp/in/a.npy" -o "$tmp/out/a.npy" -m bf --radius 2
each 5 -t 2 smooth "$tmp/in/a.npy" -o "$tmp/out/a.png" -m gf --strength 0.5 --guide "$tmp/in/b.npy" --mask "$tmp/in/b.npy" --json
# A batch goes on, or stops before it began.
each '1 5' -q -t 1 smooth "$tmp/in" -o "$tmp/out" -m gf --radius 2 --continue-on-error
each 5 methods --json
each 5 methods bf
each 5 metric "$tmp/in/a.npy" "$tmp/in/b.npy"
each 5 bench bf --size 32x32 --repeat 1 --no-peers --system
