# SPDX-License-Identifier: MIT
# eval under mpirun: the same reports as alone; an error ends all processes.
# Open MPI's mpirun uses memory that it has freed when a process aborts: no perturbing of it.
run() {
    env -u MALLOC_PERTURB_ mpirun --allow-run-as-root --oversubscribe -n 3 \
        planish eval set --methods gf,l0 --points 2 --pictures 1 -j 1 "$@" 2>err
}
s -q dataset make scenes -o set --count 12 --texture-count 9 --size 48x36 --seed 5 >/dev/null
planish eval set --methods gf,l0 --points 2 --pictures 1 -o alone -q
run -o a | sed 's/ .*//'
for f in table.csv table.md scores.csv grid.csv index.html; do same alone/$f a/$f; done
ls a/cache | grep tsv
cat a/cache/*.tsv | cut -f1 | sort -u | wc -l
cut -f1 alone/cache/*.tsv | sort -u | wc -l

for f in set/gt/*; do echo >>"$f"; done
run -o b
echo "exit $?"
grep -c 'has changed since the dataset was made' err | sed 's/[123]/1 to 3/'
