# SPDX-License-Identifier: MIT
# Inputs that are small, damaged, empty, huge or do not fit.
say 'one pixel, one row, one column'
for shape in '1 1' '7 1' '1 5' '3 2'; do
    pgm $shape >s.pgm
    for m in bf wls; do s smooth s.pgm -o s.npy -m $m && header s.npy; done
done
say 'no pixels'
npy '<f4' '0, 3' >zero.npy
t smooth zero.npy -m wls
: >empty.pgm
t smooth empty.pgm -m wls
say 'NaN and Inf'
npy '<f4' '1, 3' >nan.npy
printf '\000\000\000\000\000\000\300\177\000\000\200\177' >>nan.npy
t smooth nan.npy -o out.npy -m wls
t smooth nan.npy -o out.npy -m wls --nan zero
floats out.npy
say truncated
pgm 16 12 >a.pgm
planish -q smooth a.pgm -o whole.npy -m wls
head -c 300 whole.npy >cut.npy
t smooth cut.npy -o out2.npy -m wls
say 'not a picture, no such file, a folder as guide'
echo hello >text.png
t smooth text.png -o out2.npy -m wls
t smooth missing.png -o out2.npy -m wls
t smooth a.pgm --mask . -o out2.npy -m wls
say 'sizes that do not fit each other'
pgm 8 6 >small.pgm
t smooth a.pgm --guide small.pgm -o out2.npy -m bf
t smooth a.pgm --mask small.pgm -o out2.npy -m bf
t smooth a.pgm --guide small.pgm -o out2.npy -m wls
t smooth a.pgm --guide a.pgm -o out2.npy -m bf
say 'over 2^31 samples; over the memory'
npy '|u1' '70000, 70000' >huge.npy
t smooth huge.npy -o out2.npy -m wls 2>&1 | sed 's/[0-9.]* [GT]B/SIZE/g'
pgm 600 400 >big.pgm
t --memory 1M smooth big.pgm -o out2.npy -m wls 2>&1 | sed 's/[0-9.]* [kM]B/SIZE/g'
say 'nothing to do: the input, bit for bit'
npy '<f4' '2, 3' >exact.npy
printf '\001\002\003\075\011\022\063\076\007\010\011\077\315\314\114\076\000\000\000\200\000\000\300\077' >>exact.npy
t smooth exact.npy -o same.npy -m wls --lambda 0
tail -c 24 exact.npy >1; tail -c 24 same.npy >2; same 1 2
say 'only where the mask is above 0'
npy '|u1' '2, 3' >mask.npy
printf '\000\377\001\000\000\200' >>mask.npy
t smooth exact.npy --mask mask.npy -o masked.npy -m wls --lambda 1000
s smooth exact.npy -o all.npy -m wls --lambda 1000
floats exact.npy; floats all.npy; floats masked.npy
