# SPDX-License-Identifier: MIT
# train release, and weights that -m finds; a copy of the command, so that no weights lie beside it.
mkdir -p "$HOME/.local/share/planish/models" alone
cp "$(readlink -f "$(command -v planish)")" alone/planish
PATH=$PWD/alone:$PATH
scores() {
    sed -E 's/(validation[^0-9]*)[0-9.]+\/[0-9.]+/\1S/; s/hours \| [0-9.]+/hours | H/; s/hardware \| .* \(/hardware | CPU (/; s/`[0-9a-f]{16}`/HASH/' |
        grep -v 'last validation'
}
s dataset make scenes -o data --count 6 --texture-count 3 --size 64x48 --seed 3 -q
tiny_recipe 2 1 >r.ini
s train r.ini --data data -o run 2>/dev/null
s sample scene --seed 1 --size 40x30 -o x.png

say without weights
t smooth x.png -o y.png
t nets | tail -1
t nets --json | grep '"models"'

say a release
cat >table.csv <<'T'
method,params,psnr,psnr_std,ssim-a,ssim-a_std,pairs
original,,20.0,1,0.30,0.1,12
rtv,lambda=0.01,24.0,1,0.60,0.1,12
wls,lambda=1,25.5,1,0.65,0.1,12
sasnet,,27.25,1,0.7512,0.1,12
T
t train release run -o "$HOME/.local/share/planish/models/sasnet.safetensors" --data data --data-terms 'drawn, free' --results table.csv
scores <"$HOME/.local/share/planish/models/sasnet.md"
t nets | tail -1 | scores
t nets --json | sed -n '/"models"/,$p' | scores
t smooth x.png -o y.png -v 2>&1 | grep method
t smooth x.png -m sasnet -o z.png
same y.png z.png
t smooth x.png --weights run/best.safetensors -o y.png

say f32 keeps every value, f16 is half as large
t train release run -o f.safetensors --type f32
t train release run -o h.safetensors --json
t smooth x.png -m sasnet --weights f.safetensors -o a.png
t smooth x.png -m sasnet --weights run/best.safetensors -o b.png
same a.png b.png
sed -n '/^## Scores/,/^## Recipe/p' f.md | scores
[ $(($(wc -c <f.safetensors) * 6)) -gt $(($(wc -c <h.safetensors) * 10)) ] && echo smaller

say a recipe with paths of this machine, in the card and in the file
cp run/best.safetensors start.safetensors
s train r.ini --data data -o again --set "network.start=$PWD/start.safetensors" --set optimiser.steps=1 2>/dev/null
s train release again -o again.safetensors
grep '^start=' again.md | sed "s#=$(basename "$PWD")/#=HERE/#"
! grep -q "$PWD" again.md again.safetensors && echo 'no folders'

say what is wrong
t train release run
t train release run -o model.bin
t train release data -o m.safetensors
t train release run -o m.safetensors --weights none.safetensors
t train release run -o m.safetensors --resume
t train status run --type f32
s dataset make scenes -o other --count 6 --texture-count 3 --size 64x48 --seed 4 -q
t train release run -o m.safetensors --data other 2>&1 | sed -E 's/[0-9a-f]{12}/HASH/g'
sed 1d table.csv >bad.csv
t train release run -o m.safetensors --results bad.csv
grep -v sasnet table.csv >bad.csv
t train release run -o m.safetensors --results bad.csv
t train release run -o /dev/full/m.safetensors
