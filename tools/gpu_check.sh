#!/bin/bash
# SPDX-License-Identifier: MIT
# gpu_check.sh FOLDER [PART...]: on a machine with a GPU, nvcc and cuDNN 9: builds with CUDA, and then each
# PART (absent: all, in this order):
#   calls plans   every operation and plan of the tests on the GPU against the reference
#   sanitizer     the operations, and the operators, under compute-sanitizer
#   operators     each that runs there: GPU against CPU, 100 dB (less where it says so), and the seconds of both
#   weights       each network with its shipped weights (else its start): GPU against CPU, 80 dB in f32, 45 in bf16
#   times         every operation beside the CPU's; Fan 1280x720, SASNet and JESS 512x384 in bf16, and training steps; PyTorch's beside them
#   group         two processes with a GPU each against one, where there are two GPUs and mpirun
#   training      STEPS (200) steps of a recipe on the GPU, and the weights that come of it on the CPU
# A line a part in FOLDER/report.txt, whole outputs beside it. Fails if any part does. PYTHON: for PyTorch.
set -u
[ $# -ge 1 ] || { echo "usage: tools/gpu_check.sh FOLDER [PART...]" >&2; exit 2; }
mkdir -p "$1" && out=$(cd "$1" && pwd) && cd "$(dirname "$0")/.." || exit 1
shift
[ $# -gt 0 ] || set -- calls plans sanitizer operators weights times group training
build=${BUILD:-$out/build} gpu=${DEVICE:-cuda} python=${PYTHON:-python3} failed=0
planish=$build/planish
PLANISH_MODULES=$(realpath -m "$build") && export PLANISH_MODULES
: >"$out/report.txt"

step() { # step NAME COMMAND...
    local name=$1 start=$SECONDS rc note
    shift
    "$@" >"$out/$name.txt" 2>&1
    rc=$?
    [ $rc = 0 ] || failed=1
    note=$(grep -E '^(largest error|= )' "$out/$name.txt" | sed 's/^= //' | tr '\n' ';')
    printf '%-10s %s, %d s%s\n' "$name" "$([ $rc = 0 ] && echo passed || echo "failed ($rc)")" \
        $((SECONDS - start)) "${note:+; ${note%;}}" | tee -a "$out/report.txt"
}

build() {
    [ -f "$build/build.ninja" ] ||
        meson setup "$build" --buildtype=release -Dcuda=enabled -Dpeers=disabled || return 1
    ninja -C "$build" planish planish_cuda.so $([ ! -d "$build/planish_mpi.so.p" ] || echo planish_mpi.so) tests/nn/op_test tests/scale/random_weights bench/network_bench bench/train_bench
}

sanitizer() {
    command -v compute-sanitizer >/dev/null || { echo "= compute-sanitizer is not here"; return 1; }
    local tool method
    "$planish" -q sample pair --size 96x64 -o "$out/small.png" || return 1
    for tool in memcheck initcheck racecheck; do
        compute-sanitizer --tool $tool --error-exitcode 9 "$build/tests/nn/op_test" gpu_calls || return 1
        for method in bf dt-nc dt-ic dt-rf fgs gf ils l0 rgf rtv; do
            compute-sanitizer --tool $tool --error-exitcode 9 "$planish" -q --device "$gpu" smooth "$out/small.png" \
                -m $method -o "$out/small.npy" || { echo "= $tool: $method"; return 1; }
        done
    done
}

weights_of() { # the file of a network: shipped, else its start
    local file=models/$1.safetensors
    [ -f "$file" ] && { echo "$file"; return; }
    file=$out/$1.safetensors
    [ -f "$file" ] || "$build/tests/scale/random_weights" "$1" "$file" >/dev/null || return 1
    echo "$file"
}

weights() {
    local bad=0 net file precision least psnr
    "$planish" -q sample pair --size 256x192 -o "$out/picture.png" || return 1
    for net in fan sasnet jess csgis mi; do
        file=$(weights_of $net) || return 1
        "$planish" -q --device cpu smooth "$out/picture.png" -m $net --weights "$file" --precision f32 --tile off \
            -o "$out/cpu.npy" || return 1
        for precision in f32:80 bf16:45; do
            least=${precision#*:}
            "$planish" -q --device "$gpu" smooth "$out/picture.png" -m $net --weights "$file" \
                --precision ${precision%:*} --tile off -o "$out/gpu.npy" || return 1
            psnr=$("$planish" metric "$out/gpu.npy" "$out/cpu.npy" --scores psnr --json |
                sed -n 's/.*"psnr": *\([0-9.]*\).*/\1/p' | head -1)
            awk -v p="${psnr:-inf}" -v l="$least" 'BEGIN { exit !(p == "inf" || p + 0 >= l) }' || bad=1
            echo "= $net ${precision%:*} ${psnr:-equal} dB (least $least)"
        done
    done
    for file in models/*.safetensors; do
        "$planish" -q --device "$gpu" nets "$file" --verify || bad=1
    done
    return $bad
}

operators() {
    local bad=0 case method least psnr device
    "$planish" -q sample pair --size 1280x720 -o "$out/large.png" || return 1
    # l0: a threshold, rounded another way; rtv: systems solved to a tolerance, in another way
    for case in bf:100 dt-nc:100 dt-ic:100 dt-rf:100 fgs:100 gf:100 ils:100 l0:70 rgf:100 rtv:80; do
        IFS=: read -r method least <<<"$case"
        for device in cpu "$gpu"; do
            "$planish" --device "$device" --json smooth "$out/large.png" -m $method -o "$out/$method-${device%:*}.npy" \
                >"$out/$method-${device%:*}.json" || return 1
        done
        grep -q "\"device\": *\"${gpu%:*}" "$out/$method-${gpu%:*}.json" || bad=1
        psnr=$("$planish" metric "$out/$method-${gpu%:*}.npy" "$out/$method-cpu.npy" --scores psnr --json |
            sed -n 's/.*"psnr": *\([0-9.]*\).*/\1/p' | head -1)
        awk -v p="${psnr:-inf}" -v l="$least" 'BEGIN { exit !(p == "inf" || p + 0 >= l) }' || bad=1
        echo "= $method ${psnr:-equal} dB (least $least)," \
            "seconds cpu, device: $(sed -n 's/.*"run": *\([0-9.]*\).*/\1/p' "$out/$method-cpu.json" |
                head -1), $(sed -n 's/.*"run": *\([0-9.]*\).*/\1/p' "$out/$method-${gpu%:*}.json" | head -1)"
    done
    return $bad
}

times() {
    local bad=0 case net size bound patch file own
    "$build/tests/nn/op_test" --time --device "$gpu" >"$out/operations.txt" &&
        "$build/tests/nn/op_test" --time --device "$gpu" --bf16 conv >"$out/operations-bf16.txt" || return 1
    for case in fan:1280x720:2.5 sasnet:512x384:4 jess:512x384:10; do
        IFS=: read -r net size bound <<<"$case"
        file=$(weights_of $net) || return 1
        PLANISH_DEVICE=$gpu "$build/bench/network_bench" "$file" $size f32
        own=$(PLANISH_DEVICE=$gpu "$build/bench/network_bench" "$file" $size bf16) || return 1
        PLANISH_DEVICE=$gpu "$build/bench/network_bench" "$file" $size bf16 --steps >"$out/steps-$net.txt"
        echo "= $net $own (bound $bound ms)"
        awk -v t="$(sed -n 's/.*: \([0-9.]*\) ms of the device.*/\1/p' <<<"$own")" -v b=$bound \
            'BEGIN { exit !(t > 0 && t <= b) }' || bad=1
        "$planish" -q export $net --weights "$file" -o "$out/$net.onnx" &&
            (cd bench && "$python" gpu_peer.py "$out/$net.onnx" $size) | sed 's/^/= /'
    done
    for case in jess:8:128 sasnet:16:128 fan:1:224; do
        IFS=: read -r net size patch <<<"$case"
        PLANISH_DEVICE=$gpu "$build/bench/train_bench" --profile --steps 50 recipes/$net.ini data.batch=$size \
            data.patch=$patch >"$out/step-$net.txt" || return 1
        echo "= $net step, batch $size: $(head -2 "$out/step-$net.txt" | tr '\n' ' ')"
        [ $net != fan ] || continue # no peer has its energy
        DEVICE=cuda PRECISION=bf16 "$python" bench/train_bench.py $net $size 50 | sed 's/^/= /'
    done
    return $bad
}

scenes() {
    [ -f "$out/scenes/manifest.json" ] || "$planish" -q dataset make scenes --count 24 --size 320x256 -o "$out/scenes"
}

group() { # the losses of ten steps, the same batches
    local steps="train recipes/sasnet.ini --data $out/scenes --precision f32 --set optimiser.steps=10
        --set validation.every=10 --set validation.pairs=1 --set data.batch=4" run
    [ "$(nvidia-smi -L | wc -l)" -ge 2 ] && command -v mpirun >/dev/null ||
        { echo "= left out: it takes two GPUs and mpirun"; return 0; }
    scenes && rm -rf "$out/one" "$out/two" || return 1
    "$planish" --device "$gpu" $steps -o "$out/one" || return 1
    mpirun -n 2 "$planish" --device "$gpu" -vv $steps -o "$out/two" 2>"$out/group-err.txt" || return 1
    grep -q "means over processes are the GPUs' work" "$out/group-err.txt" || return 1
    for run in one two; do sed 's/.*"loss":\([0-9.]*\),.*/\1/' "$out/$run/log.jsonl" >"$out/$run.losses"; done
    paste -d' ' "$out/one.losses" "$out/two.losses" | awk '
        { d = ($1 - $2) / $1; if (d < 0) d = -d; if (d > far) far = d }
        END { print "= losses " far " apart (at most 1e-3)"; exit !(NR == 10 && far <= 1e-3) }'
}

training() {
    scenes || return 1
    rm -rf "$out/run"
    "$planish" --device "$gpu" train recipes/sasnet.ini --data "$out/scenes" -o "$out/run" \
        --set optimiser.steps=${STEPS:-200} --set validation.every=${STEPS:-200} --set validation.pairs=4 || return 1
    "$planish" -q --device cpu nets "$out/run/best.safetensors" --verify || return 1
    echo "= $("$planish" train status "$out/run" | tr '\n' ' ')"
}

git log -1 --format='commit %H' >>"$out/report.txt"
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader >>"$out/report.txt" 2>&1
step build build
for part; do
    case $part in
    calls | plans) step $part "$build/tests/nn/op_test" gpu_$part ;;
    sanitizer | operators | weights | times | group | training) step $part $part ;;
    *) echo "gpu_check.sh: no part '$part'" >&2; exit 2 ;;
    esac
done
exit $failed
