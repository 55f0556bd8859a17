# SPDX-License-Identifier: MIT
# Mistakes on the command line: one line each, status 2, nothing written.
pgm 8 6 >a.pgm
t
t smoth a.pgm
t frobnicate a.pgm
t -m bf smooth a.pgm
t smooth
t smooth a.pgm -m wsl
t smooth a.pgm -m frobnicate
t smooth a.pgm -m wls:nope
t smooth a.pgm -m wls --lamda 1
t smooth a.pgm -m wls --frobnicate
t smooth a.pgm -m wls -Z
t smooth a.pgm -m wls --out b.pgm
t smooth a.pgm -m wls --lambda
t smooth a.pgm -m wls -o
t smooth a.pgm -m wls --strip=yes
t smooth a.pgm -m wls -j 0
t smooth a.pgm -m wls -j many
t smooth a.pgm -m wls --threads 2.5
t smooth a.pgm -m wls --strength 2
t smooth a.pgm -m wls --strength weak
t smooth a.pgm -m wls --space log
t smooth a.pgm -m wls --memory lots
t smooth a.pgm -m wls --seed -1
t smooth a.pgm -m wls --page 0
t smooth a.pgm -m wls -o ''
t smooth '' -m wls
t smooth a.pgm -m wls -p lambda
t smooth a.pgm -m wls -p =1
t smooth a.pgm -m wls --format bmq -o b.pgm
t smooth a.pgm -m wls -o b.nope
t smooth a.pgm -m wls --guide a.pgm -o a.pgm --strip
t methods one two
t methods wsl
t completion tcsh
t man frobnicate
t --device cuda:99 smooth a.pgm -m wls
t --device cuda:x smooth a.pgm -m wls
t --device gpu smooth a.pgm -m wls
say 'a letter of several, after --, an unknown one'
t -qx smooth a.pgm -m wls
t smooth -m wls -o b.pgm -- --strange.pgm
files
