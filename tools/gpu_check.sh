#!/bin/bash
# SPDX-License-Identifier: MIT
# gpu_check.sh FOLDER: on a machine with a GPU, nvcc and cuDNN 9, builds with CUDA and runs every
# operation and plan of the tests on the GPU, as they are and under compute-sanitizer. The report is
# FOLDER/report.txt, with the whole output beside it. Fails if anything does, or if there is no GPU.
set -u
[ $# = 1 ] || { echo "usage: tools/gpu_check.sh FOLDER" >&2; exit 2; }
mkdir -p "$1" && out=$(cd "$1" && pwd) && cd "$(dirname "$0")/.." || exit 1
build=$out/build failed=0
: >"$out/report.txt"

step() { # step NAME COMMAND...
    local name=$1 start=$SECONDS rc
    shift
    "$@" >"$out/$name.txt" 2>&1
    rc=$?
    [ $rc = 0 ] || failed=1
    printf '%-12s %s, %d s%s\n' "$name" "$([ $rc = 0 ] && echo passed || echo "failed ($rc)")" \
        $((SECONDS - start)) "$(sed -n 's/^largest error/; largest error/p' "$out/$name.txt")" |
        tee -a "$out/report.txt"
}

git log -1 --format='commit %H' >>"$out/report.txt"
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader >>"$out/report.txt" 2>&1
[ -f "$build/build.ninja" ] ||
    step setup meson setup "$build" --buildtype=release -Dcuda=enabled -Dpeers=disabled -Dmpi=disabled
step build ninja -C "$build" tests/nn/op_test tests/nn/device_test
step calls "$build/tests/nn/op_test" gpu_calls
step plans "$build/tests/nn/op_test" gpu_plans
if command -v compute-sanitizer >/dev/null; then
    for tool in memcheck initcheck racecheck; do
        step $tool compute-sanitizer --tool $tool --error-exitcode 9 "$build/tests/nn/op_test" gpu_calls
    done
else
    echo "compute-sanitizer is not here: not run" | tee -a "$out/report.txt"
fi
exit $failed
