# SPDX-License-Identifier: MIT
# eval: tables, the cache, stopped runs, shards.
# Scores to one decimal: the last digits depend on the instruction set.
short() { sed -E 's/([0-9]\.[0-9])[0-9]+/\1/g; s/ +/ /g'; }
reports() { for f in table.csv table.md scores.csv grid.csv index.html; do same "$1/$f" "$2/$f"; done; }
eval_two() { planish eval set --methods gf,l0 --limit 3 --test-limit 4 --points 3 --pictures 2 "$@"; }
s -q dataset make scenes -o set --count 24 --texture-count 18 --size 48x36 --seed 5 >/dev/null

say 'usage'
t eval set
t eval set -o bad --methods gf,rvt
t eval set -o bad --methods gf,gf
t eval set -o bad --methods gf:default,gf:default
t eval set -o bad --methods rtv:sed
t eval set -o bad --shard 3/2
t eval set -o bad --limit -1
files | grep bad

say 'a run'
eval_two -o a | short
(cd a && ls) && cut -d, -f1-3 a/table.csv | short
short <a/table.md
head -n 3 a/scores.csv | short
short <a/grid.csv
grep -c '<script>' a/index.html
grep -o 'data:image/jpeg' a/index.html | wc -l
grep -oE '(src|href)="?http[^"]*' a/index.html

say 'again: nothing is computed; another method: 3 points on 3 pairs and 4 test pairs; more pairs: only these'
n=$(lines a)
eval_two -o a -q && echo $(($(lines a) - n)) more
planish eval set --methods gf,l0,wls --limit 3 --test-limit 4 --points 3 --pictures 2 -o a -q
echo $(($(lines a) - n)) more
n=$(lines a)
eval_two -o a --limit 5 --test-limit 4 -q && echo $(($(lines a) - n)) more: 2 pairs, 6 points on each
eval_two -o b -q -j 3 -t 3
eval_two -o a -q
reports a b

say 'stopped: half a line is cut off, the rest is kept'
mkdir -p c/cache
head -n 9 b/cache/1-of-1.tsv >c/cache/1-of-1.tsv
cp c/cache/1-of-1.tsv kept
sed -n 10p b/cache/1-of-1.tsv | head -c 70 >>c/cache/1-of-1.tsv
eval_two -o c -q
reports a c
head -n 9 c/cache/1-of-1.tsv >after
same kept after
echo $(($(lines b) - $(lines c))) keys are missing

say 'killed'
planish eval set --methods gf,l0 --limit 3 --test-limit 4 --points 3 --pictures 2 -o d -q -j 1 &
pid=$!
while [ "$(lines d)" -lt 4 ] && kill -0 $pid 2>/dev/null; do sleep 0.01; done
kill -9 $pid 2>/dev/null
wait $pid 2>/dev/null
head -n 3 d/cache/1-of-1.tsv >kept
eval_two -o d -q
head -n 3 d/cache/1-of-1.tsv >after
same kept after
reports a d

say 'told to stop'
s -q dataset make scenes -o large --count 24 --texture-count 18 --size 160x120 --seed 5 >/dev/null
planish eval large --methods sdf -o t -j 1 2>stopped &
pid=$!
while [ "$(lines t)" -lt 2 ] && kill -0 $pid 2>/dev/null; do sleep 0.01; done
kill -TERM $pid
wait $pid
echo "exit $?"
sed -E 's/[0-9]+ of/N of/' stopped
ls t

say 'parts, by flag and by a Slurm array; the last run merges'
for round in 1 2; do for k in 1 2; do eval_two -o e --shard $k/2; done; done
eval_two -o e -q
lines e
reports a e
for round in 1 2; do
    for k in 4 6 8; do
        SLURM_ARRAY_TASK_ID=$k SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=4 SLURM_ARRAY_TASK_STEP=2 \
            eval_two -o f
    done
done
eval_two -o f -q
reports a f

say 'as JSON; by SSIM; truncated'
eval_two -o a --json | sed -E 's/[0-9a-f]{64}/SHA/' | short | head -n 24
eval_two -o a --by ssim-a -q && grep yes a/grid.csv | short
n=$(lines a)
eval_two -o a --quantize truncate -q && echo $(($(lines a) - n)) more

say 'presets and networks: as they are; weights and flips are in the key'
tiny_recipe 1 1 >net.ini
planish -q train net.ini --data set -o net 2>/dev/null
mkdir models && cp net/best.safetensors models/sasnet.safetensors
eval_net() {
    PLANISH_MODELS=models planish eval set -o n --methods sasnet,gf:default,rtv,rtv:seed --limit 1 \
        --test-limit 2 --points 2 --pictures 1 "$@"
}
eval_net -q
cut -d, -f1,2 n/table.csv | LC_ALL=C sort
grep -o 'over 2 of .*' n/table.md
n=$(lines n)
eval_net -q && echo $(($(lines n) - n)) more
eval_net -q --ensemble && echo $(($(lines n) - n)) more
grep -o 'Networks: .*' n/table.md
planish export sasnet --weights net/best.safetensors -o models/sasnet.safetensors --dtype bf16 >/dev/null
eval_net -q && echo $(($(lines n) - n)) more
PLANISH_MODELS=models planish eval set -o n --methods all --limit 1 --test-limit 2 --points 2 --pictures 0 -q
grep -c ^sasnet, n/table.csv

say 'beside what papers printed'
cp -r set sps && sed -i 's/"kind": "scenes"/"kind": "sps"/' sps/manifest.json
planish eval sps -o p --methods gf,l0,wls,rtv --limit 2 --test-limit 2 --points 2 -q
short <p/table.md
grep -o '"columns":[^]]*]' p/index.html

say 'no validation pairs'
s -q dataset make scenes -o pairs --count 10 --texture-count 9 --size 48x36 --materialize >/dev/null
mkdir only none && cp -r pairs/concat/test only && cp -r pairs/concat/train none
t eval only -o v --methods gf --points 2 | short
t eval none -o v --methods gf

say 'a folder in use, a file as folder'
flock b/cache/1-of-1.tsv planish eval set -o b --methods gf --limit 3
echo "exit $?"
echo >file
t eval set -o file --methods gf

say 'no dataset, a damaged one, a changed file, one that is gone'
t eval nothing -o g
mkdir empty && t eval empty -o g
cp -r set bad && head -c 500 set/manifest.json >bad/manifest.json && t eval bad -o g --methods gf
cp -r set changed && for f in changed/gt/*; do echo >>"$f"; done
changed() { planish eval changed -o g --methods gf 2>&1 | sed -E 's/(scene|texture)[0-9]+/\1/; s/[0-9a-f]{12}/SHA/g'; }
changed
rm changed/gt/*
changed
