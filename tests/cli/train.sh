# SPDX-License-Identifier: MIT
# train: a tiny network on drawn scenes; stopped, killed and gone on with, it gives the same bytes; what is
# wrong with a recipe or a run is said. Losses and scores depend on the instruction set.
run() { t train "$@" 2>&1 | sed -E 's/(loss|validation|SSIM|energy) [0-9.]+/\1 X/g'; }
s dataset make scenes -o data --count 6 --texture-count 3 --size 64x48 --seed 3 -q
{ tiny_recipe 6 3 && echo save=2; } >r.ini

say whole, and in two parts
run r.ini --data data -o whole
run r.ini --data data -o parts --set optimiser.steps=6
(cd whole && files | grep -v log)
cp -r whole cut && rm cut/checkpoint-6.safetensors cut/best.safetensors
run r.ini --data data -o cut --resume -t 2
same whole/checkpoint-6.safetensors cut/checkpoint-6.safetensors
same whole/best.safetensors cut/best.safetensors
grep -c . cut/log.jsonl
t train status whole | sed -E 's/loss [0-9.]+/loss L/; s/[0-9.]+ dB/P dB/; s/SSIM [0-9.]+/SSIM S/'

say a cosine with warm-up, whole and gone on with
cosine='--set optimiser.schedule=cosine --set optimiser.warmup=3'
run r.ini --data data -o cosine $cosine
mkdir cosine-cut && cp cosine/recipe.ini cosine/log.jsonl cosine/checkpoint-4.safetensors cosine-cut
run r.ini --data data -o cosine-cut --resume $cosine
same cosine/checkpoint-6.safetensors cosine-cut/checkpoint-6.safetensors
sed 's/.*"rate":\([^,}]*\).*/\1/' cosine-cut/log.jsonl
t train r.ini --data data -o off $cosine --set optimiser.halve=2
t train r.ini --data data -o off $cosine --set optimiser.halve_at=0.5
t train r.ini --data data -o off --set optimiser.warmup=6

say a damaged checkpoint: the one before it
head -c 100 whole/checkpoint-6.safetensors >cut/checkpoint-6.safetensors
run r.ini --data data -o cut --resume
same whole/checkpoint-6.safetensors cut/checkpoint-6.safetensors

say the log for TensorBoard: a record a step, none twice after a stop
t train r.ini --data data -o board --set optimiser.steps=4 --tensorboard -q
rm board/checkpoint-4.safetensors
t train r.ini --data data -o board --set optimiser.steps=4 --tensorboard -q --resume
for tag in brain.Event loss rate seconds psnr ssim; do
    grep -ao $tag board/events.out.tfevents.planish | wc -l
done

say its weights smooth
s sample scene --seed 1 --size 40x30 -o x.png
t smooth x.png -m sasnet --weights whole/best.safetensors -o y.png

say losses of edges
sed 's/system=.*/system=jess/; s/^config=.*/config={"dim": 16, "num_block": 1, "n_smooth": 1, "n_refine": 1}/; s/^l1=1/l1=1\nms_ssim=0.1\nedge=1e-3\ndtv=1/; s/^patch=32/patch=48/' r.ini >j.ini
s dataset make scenes -o data80 --count 6 --texture-count 3 --size 80x80 --seed 3 -q
run j.ini --data data80 -o jess --set optimiser.steps=2
grep -c '"psnr":' jess/log.jsonl

say statistics of normalisation: those of the start stay, those of batches move on
values() { tail -c +$(($(od -An -tu8 -N8 "$1") + 9)) "$1"; }
values jess/best.safetensors >start.bin
for kind in running batch; do
    run j.ini --data data80 -o $kind --set network.start=jess/best.safetensors --set network.statistics=$kind \
        --set optimiser.rate=0 --set optimiser.steps=2 --set optimiser.ema=0.5
    values $kind/best.safetensors | cmp -s start.bin - && echo the same || echo others
done
t train j.ini --data data80 -o off --set network.statistics=none

say an energy, on photographs without truths
mkdir photos
ln -s ../data/gt photos/photo
sed 's/system=.*/system=fan/; s/^config=.*/config={"width": 8, "blocks": [2, 1]}/; s/^l1=1/fan=1\nvariant=abstraction/; s/^batch=.*/batch=1/' r.ini >f.ini
run f.ini --data photos -o fan --set optimiser.steps=4 --set validation.every=2 --set optimiser.rate=0.01
t train status fan | sed -E 's/loss [0-9.]+/loss L/; s/energy [0-9.]+/energy E/'
t train report fan -o fan.html --data photos
grep -c 'figcaption>result: energy' fan.html
t train f.ini --data photos -o foreground --set loss.variant=foreground
t train f.ini --data photos -o none --set loss.variant=blur

say a start from weights: with a rate of 0 they score as they did
run r.ini --data data -o on --set network.start=whole/best.safetensors --set optimiser.rate=0 \
    --set optimiser.steps=1
psnr() { sed -n 's/.*"psnr":\([0-9.]*\).*/\1/p' "$1"; }
psnr whole/log.jsonl | sort -n | tail -n 1 >best.txt
psnr on/log.jsonl >on.txt
same best.txt on.txt
t train r.ini --data data -o off --set network.start=none.safetensors
t train j.ini --data data80 -o off --set network.start=whole/best.safetensors
t train r.ini --data data -o off --set network.start=whole/best.safetensors --set network.config=

say textures of varied contrast
run r.ini --data data -o varied --set optimiser.steps=1 --set data.std_lo=0.02 --set data.std_hi=0.1
t train r.ini --data data -o off --set data.std_lo=0.1

say what is wrong
t train r.ini --data data -o whole
t train r.ini --data data -o whole --resume --set optimiser.rate=0.5
t train r.ini -o other
t train r.ini --data data
t train r.ini --data data -o other --set optimiser.rat=1
t train r.ini --data data -o other --set rate=1
t train r.ini --data data -o other --set optimiser.rate=fast
sed 's/^rate/speed/' r.ini >bad.ini
t train bad.ini --data data -o other
sed 's/^system=.*/system=sasnett/' r.ini >bad.ini
t train bad.ini --data data -o other
sed 's/^l1=1/edge=1/' r.ini >bad.ini
t train bad.ini --data data -o other
t train none.ini --data data -o other
t train status data
