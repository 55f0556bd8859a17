# SPDX-License-Identifier: MIT
# train under mpirun: two processes, and four, end with the values of one that has the whole batch.
# Open MPI's mpirun uses memory that it has freed when a process aborts: no perturbing of it.
under() {
    processes=$1
    shift
    env -u MALLOC_PERTURB_ mpirun --allow-run-as-root --oversubscribe -n "$processes" planish -q -t 1 train "$@" 2>>err
}
# Largest difference between the values of two checkpoints; between the losses of two logs, relative.
values() {
    header=$(od -An -tu8 -N8 "$1")
    od -An -v -tf4 -w4 -j $((header + 8)) "$1"
}
far() { awk -v most="$1" '{ d = $1 - $2; d = (d < 0 ? -d : d) / $3; if (d > far) far = d } END {
    if (NR && far <= most) print "within " most; else print NR " numbers, " far " apart: above " most }'; }
values_within() {
    values "$2/checkpoint-20.safetensors" >a
    values "$3/checkpoint-20.safetensors" >b
    paste -d' ' a b | sed 's/$/ 1/' | far "$1"
}
losses() { sed 's/.*"loss":\([^,]*\),.*/\1/' "$1/log.jsonl"; }
losses_within() {
    losses "$2" >a
    losses "$3" >b
    paste -d' ' a b b | far "$1"
}
s dataset make scenes -o data --count 12 --texture-count 6 --size 64x64 --seed 3 -q
{
    tiny_recipe 20 10
    echo save=10
} | sed 's/^batch=2/batch=4/; s/^rate=/clip=1\nema=0.9\nrate=/' >r.ini

say twenty steps
planish -q -t 1 train r.ini --data data -o one
for n in 2 4; do
    under $n r.ini --data data -o $n || echo "exit $?"
    values_within 1e-4 one $n
    losses_within 1e-4 one $n
done
(cd 2 && files)

say it goes on, by another number of processes
cp -r one on
rm on/checkpoint-20.safetensors
under 2 r.ini --data data -o on --resume || echo "exit $?"
values_within 1e-4 one on

say terms that are sums over the batch, and statistics of batches: the first step
sed 's/system=.*/system=jess/; s/^config=.*/config={"dim": 16, "num_block": 1, "n_smooth": 1, "n_refine": 1}/; s/^l1=1/l1=1\nedge=1e-3\ndtv=1/; s/^steps=20/steps=1/' r.ini >j.ini
planish -q -t 1 train j.ini --data data -o jess
under 2 j.ini --data data -o jess2 || echo "exit $?"
losses_within 1e-5 jess jess2

say what is wrong is said by all that see it, and ends all
: >err
under 2 r.ini --data data -o bad --set data.batch=3
echo "exit $?"
grep -c '^planish: error' err | sed 's/[12]/said/'
: >err
under 2 r.ini --data none -o bad
echo "exit $?"
