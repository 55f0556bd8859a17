# SPDX-License-Identifier: MIT
# --dry-run: says what would be done, does nothing.
pgm 64 48 >a.pgm
pgm 48 64 >b.pgm
t smooth a.pgm -m wls --dry-run | sed "s/[0-9.]* [kMG]B/SIZE/g"
t smooth a.pgm b.pgm -m bf -o out --dry-run -j 2
t --json smooth a.pgm b.pgm -m bf -o out --dry-run
t --memory 100k smooth a.pgm -m wls --dry-run 2>&1 | sed 's/[0-9.]* [kM]B/SIZE/g'
files
