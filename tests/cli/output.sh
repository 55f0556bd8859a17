# SPDX-License-Identifier: MIT
# Names of outputs; what is replaced and what is not.
pgm 12 9 >a.pgm
pgm 9 12 >b.pgm
mkdir -p in/sub
cp a.pgm in/a.pgm
cp b.pgm in/sub/b.pgm
say 'beside the input'
t smooth a.pgm -m wls
files
rm a.wls.pgm
say 'a file, a folder that is there, one that is not'
mkdir there
t smooth a.pgm -m wls -o c.npy
t smooth a.pgm -m wls -o there
t smooth a.pgm -m wls -o new/
t smooth a.pgm b.pgm -m wls -o several
files
rm -r c.npy there new several
say 'templates'
t smooth a.pgm b.pgm -m wls -o 'out/%n-%m.%e'
t smooth in -r -m wls -o 'out/%d/%n.npy'
t smooth a.pgm -m wls -o 'out/100%%-%n.npy'
files
rm -r out
say 'a folder with all below it, another format'
t smooth in -r -m wls -o out --format npy
t smooth in -m wls
files
rm -r out in/a.wls.pgm
say 'the output is the input'
t smooth a.pgm -m wls -o a.pgm
t smooth a.pgm -m wls -o ./a.pgm
t smooth in -m wls -o in
t smooth a.pgm b.pgm -m wls -o 'a.%e'
ln -s a.pgm link.pgm
t smooth link.pgm -m wls -o a.pgm
rm link.pgm
s smooth a.pgm -m wls -o a.npy
s smooth a.npy -m bf -o wanted.npy
cp a.npy keep.npy
t smooth a.npy -m bf --in-place
same a.npy wanted.npy
mv keep.npy a.npy
t smooth a.npy -m bf --in-place -o a.npy
same a.npy wanted.npy
rm a.npy wanted.npy
t smooth a.pgm b.pgm -m wls --in-place -o 'b.%e'
t smooth a.pgm -m wls --in-place --format npy
t smooth a.pgm --mask b.pgm -m wls -o b.pgm
say 'two outputs of one name'
cp a.pgm in/sub/a.pgm
t smooth in/a.pgm in/sub/a.pgm -m wls -o out
t smooth in/a.pgm in/sub/a.pgm -m wls -o 'out/%m.npy'
t smooth a.pgm -m wls -o x.npy --detail x.npy
t smooth a.pgm a.pgm -m wls
t smooth a.pgm b.pgm -m wls -o a.pgm
say 'an output that is there'
echo old >c.npy
t smooth a.pgm -m wls -o c.npy --no-clobber
cat c.npy
t smooth a.pgm -m wls -o c.npy --no-clobber --json
t smooth a.pgm -m wls -o c.npy --no-clobber --clobber
header c.npy
say 'the removed layer'
npy '<f4' '1, 3' >d.npy
printf '\000\000\000\000\000\000\200\076\000\000\200\077' >>d.npy
t smooth d.npy -m wls --lambda 0 -o e.npy --detail f.npy
floats e.npy
floats f.npy
say 'places that cannot be written'
t smooth a.pgm -m wls -o nowhere/c.npy
t smooth a.pgm -m wls -o c.npy/
files
