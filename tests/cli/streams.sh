# SPDX-License-Identifier: MIT
# Standard input and output.
pgm 16 12 >a.pgm
s smooth a.pgm -m wls -o 1.npy
planish smooth - -m wls --format npy <a.pgm >2.npy
same 1.npy 2.npy
planish smooth a.pgm -o - -m wls --format npy >3.npy
same 1.npy 3.npy
say 'the format of what comes in'
s smooth a.pgm -m wls -o 4.npy --depth 8
planish smooth - -o - -m wls --depth 8 <4.npy >5.npy
header 5.npy
planish smooth - -m wls <a.pgm | head -c 2
echo
say mistakes
t smooth - -m wls -o b.npy
t smooth - --guide - -m bf -o b.npy <a.pgm
t smooth - - -m wls -o 'out/%n.npy' <a.pgm
t smooth a.pgm a.pgm -m wls -o -
echo nothing >text
t smooth - -m wls -o b.npy <text
planish smooth a.pgm -m wls --format npy -o - >/dev/full || echo "exit $?"
planish methods >/dev/full || echo "exit $?"
planish --json methods wls >/dev/full || echo "exit $?"
files
