# SPDX-License-Identifier: MIT
# train under mpirun on GPUs, which take the means over processes in their recorded steps: the devices of the tests
# in their place (device.sh), and in the place of NCCL memory that they share.
# Open MPI's mpirun uses memory that it has freed when a process aborts: no perturbing of it.
export PLANISH_MODULES="$STANDIN"
under() { env -u MALLOC_PERTURB_ mpirun --allow-run-as-root --oversubscribe "$@" 2>err; }
alike() {
    for run in one "$1"; do sed 's/.*"loss":\([0-9.]*\),.*/\1/' $run/log.jsonl >$run.losses; done
    paste -d' ' one.losses "$1.losses" | awk '{ print ($1 - $2) ^ 2 < 1e-8 * $1 ^ 2 ? "alike" : $0 }'
}
s dataset make scenes -o data --count 12 --texture-count 6 --size 64x64 --seed 3 -q
tiny_recipe 3 3 |
    sed 's/^batch=2/batch=4/; s/^rate=/clip=1\nema=0.9\nrate=/; s/^patch=32/patch=16/; s/"blocks": \[1\]/&, "norm": "bn"/' >r.ini
train="-t 1 train r.ini --data data --precision f32"

say one process
planish -q -t 1 train r.ini --data data -o one

say two, each with its device
under -n 2 planish --device cuda -vv $train -o two || echo "exit $?"
grep -o 'means over processes.*' err
alike two

say one with a device, one without
under -n 1 planish --device cuda -q $train -o mixed : -n 1 planish --device cpu -q $train -o mixed
echo "exit $?"
grep '^planish: error' err | sort -u
