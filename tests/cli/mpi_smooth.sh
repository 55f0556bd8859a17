# SPDX-License-Identifier: MIT
# smooth under mpirun: the pictures of a folder are shared, with the bytes of one process; more processes
# than pictures; beside the inputs, where one's outputs are no other's inputs; failures.
# Open MPI's mpirun uses memory that it has freed when a process aborts: no perturbing of it.
under() {
    processes=$1
    shift
    env -u MALLOC_PERTURB_ mpirun --allow-run-as-root --oversubscribe -n "$processes" planish -t 1 smooth "$@" 2>err
}
mkdir in
for i in 1 2 3 4 5; do pgm 1$i 2$i >in/$i.pgm; done
s -q smooth in -m wls -o alone
for n in 2 3 7; do
    under $n in -m wls -o out$n --json | sort | sed -E 's/.*"input":"([^"]*)".*"ok":([a-z]*).*/\1 \2/'
    for f in alone/*; do cmp "$f" "out$n/${f#alone/}" && echo same; done
done
cp -r in beside
under 3 beside -m wls | wc -l
ls beside

echo 'no picture' >in/3.pgm
under 2 in -m wls -o bad --continue-on-error
echo "exit $?"
ls bad
grep -c '3.pgm' err
under 2 in -m wls -o stopped
echo "exit $?"
