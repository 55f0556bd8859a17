# SPDX-License-Identifier: MIT
# --device with GPUs: the module planish_cuda.so is one of the tests, whose two devices are in the host's memory.
# Two pictures: alike from 45 dB on; not equal, for devices compute in bf16.
alike() {
    planish metric "$1" "$2" --scores psnr --json | sed -n 's/.*"psnr": *\([0-9.]*\).*/\1/p' | head -1 |
        awk '{ print ($1 >= 45 ? "alike" : $1 " dB") } END { if (!NR) print "no figure" }'
}

say no module of this planish
mkdir old
cp "$STANDIN/planish_cuda_old.so" old/planish_cuda.so
export PLANISH_MODULES=$PWD/old
t --device cuda methods bf
planish --version --json | sed -n '/"devices"/,/]/p' | tr -d ' \n'
echo

say two devices
export PLANISH_MODULES="$STANDIN"
planish --version --json | sed -n '/"devices"/,/]/p' | tr -d ' \n'
echo
t --device cuda:2 methods bf

say a training and what comes of it
pgm 48 40 >a.pgm
s dataset make scenes -o data --count 12 --texture-count 6 --size 64x64 --seed 3 -q
tiny_recipe 4 4 >r.ini
for device in cpu cuda:1; do
    s --device $device -q -t 1 train r.ini --data data -o run-$device --precision f32
    s --device $device -q smooth a.pgm -m sasnet --weights run-cpu/best.safetensors -o $device.npy
done
for device in cpu cuda:1; do sed 's/.*"loss":\([0-9.]*\),.*/\1/' run-$device/log.jsonl >$device.losses; done
paste -d' ' cpu.losses cuda:1.losses | awk '{ print ($1 - $2) ^ 2 < 1e-10 * $1 ^ 2 ? "alike" : $0 }'
alike cpu.npy cuda:1.npy

say the variable
PLANISH_DEVICE=cuda s -q smooth a.pgm -m sasnet --weights run-cpu/best.safetensors -o variable.npy
same cuda:1.npy variable.npy
