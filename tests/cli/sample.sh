# SPDX-License-Identifier: MIT
# sample: the same picture for the same seed, what belongs to which kind.
t sample pair --seed 7 --size 48x40 -o in.npy --truth truth.npy --classes classes.npy
planish sample pair --seed 7 --size 48x40 -o - --format npy >again.npy
t sample scene --seed 7 --size 48x40 -o scene.npy
t sample pair --seed 7 --index 1 --size 48x40 -o next.npy
t sample texture --family weave --size 32x32 -o weave.npy
t sample texture --seed 4 --size 32x32 -o texture.png
header truth.npy; header classes.npy; header weave.npy
same truth.npy scene.npy
same in.npy next.npy
s sample pair --seed 7 --size 48x40 -o in2.npy
same in.npy in2.npy
same in.npy again.npy
files
say mistakes
t sample
t sample pairs -o a.png
t sample foo -o a.png
t sample scene
t sample pair -o a.png --size 0x0
t sample pair -o a.png --size 10
t sample texture -o a.png --size 32x40
t sample texture --family wave -o a.png
t sample texture --family frobnicate -o a.png
t sample scene --family weave -o a.png
t sample scene -o a.png --truth b.png
t sample texture -o a.png --std 0.3
t sample texture -o a.png --classes b.png
t sample pair -o a.png --std 0
t sample pair -o a.nope
t sample pair -o -
t sample pair -o - --format nope
t sample pair -o a.png --truth ./a.png
t sample scene -o nowhere/a.png
