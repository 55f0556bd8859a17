# SPDX-License-Identifier: MIT
# Several pictures: failures, JSON lines, several at once.
mkdir in
for i in 1 2 3 4 5; do pgm 1$i 2$i >in/$i.pgm; done
echo 'no picture' >in/3.pgm
echo 'not looked at' >in/notes.txt
echo 'hidden' >in/.6.pgm
say 'the first failure ends the batch'
t smooth in -o out -m wls
files
rm -r out
say 'or the rest is done'
t smooth in -o out -m wls --continue-on-error
files
say 'a batch that fails in one item only'
t smooth in/3.pgm -m wls
t smooth in/3.pgm -m wls --continue-on-error
say 'several at once give the same bytes'
rm -r out
s -q smooth in -o out -m wls --format npy --continue-on-error 2>/dev/null
s -q smooth in -o out2 -m wls --format npy --continue-on-error -j 3 2>/dev/null
for i in 1 2 4 5; do same out/$i.npy out2/$i.npy; done
say 'lines of JSON'
rm -r out out2
t --json smooth in -o out -m wls
t --json smooth in -o out -m wls --continue-on-error
say 'folders without pictures, files that are not there'
mkdir empty
t smooth empty -m wls
t smooth empty -r -m wls
t smooth nothing.pgm -m wls
t smooth in/1.pgm nothing.pgm -m wls -o out
t smooth in/1.pgm in/2.pgm -m wls -o in/3.pgm
