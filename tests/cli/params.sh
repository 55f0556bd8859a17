# SPDX-License-Identifier: MIT
# Parameters of methods: messages, ranges, equal spellings.
pgm 24 17 >a.pgm
t smooth a.pgm -o b.npy -m wls --lambda abc
t smooth a.pgm -o b.npy -m wls --lambda 1e9
t smooth a.pgm -o b.npy -m wls --lambda -1
t smooth a.pgm -o b.npy -m wls --lambda nan
t smooth a.pgm -o b.npy -m wls --lambda 1/0
t smooth a.pgm -o b.npy -m wls --lambda '1 '
t smooth a.pgm -o b.npy -m wls --lambda ''
t smooth a.pgm -o b.npy -m bf --radius 2.5
t smooth a.pgm -o b.npy -m bf --radius many
t smooth a.pgm -o b.npy -m bf --window round
t smooth a.pgm -o b.npy -m wls --radius 3
t smooth a.pgm -o b.npy -m wls -p radius=3
t smooth a.pgm -o b.npy -m wls -p lamda=3
t smooth a.pgm -o b.npy -m bf:opencv --sigma-s 0
files
say 'equal spellings, the last one wins, any order'
s smooth a.pgm -o 1.npy -m bf --sigma-r 10/255 --radius 3
s smooth a.pgm -o 2.npy -m bf --sigma-r=10/255 --radius=3
s smooth a.pgm -o 3.npy -m bf -p sigma-r=10/255 -p radius=3
s smooth -mbf --radius 9 a.pgm --sigma-r 1 --radius 3 -o3.npy -p sigma-r=10/255
s smooth -mbf --sigma-r 10/255 -p radius=9 a.pgm --radius 3 -o 4.npy
for i in 2 3 4; do same 1.npy $i.npy; done
say 'presets and strength'
s smooth a.pgm -o p1.npy -m bf:opencv
s smooth a.pgm -o p2.npy -m bf -p range-norm=l1 --window disk --border reflect101 --radius 4
same p1.npy p2.npy
s smooth a.pgm -o s1.npy -m wls --strength 0
s smooth a.pgm -o s2.npy -m wls --strength 1
s smooth a.pgm -o s3.npy -m wls --strength 1 --strength 0
same s1.npy s3.npy
same s1.npy s2.npy
say 'parameters after strength win'
s smooth a.pgm -o q1.npy -m bf --strength 1 --sigma-s 3 --sigma-r 0.1 --radius 2
s smooth a.pgm -o q2.npy -m bf --sigma-s 3 --sigma-r 0.1 --radius 2
same q1.npy q2.npy
