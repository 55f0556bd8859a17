# SPDX-License-Identifier: MIT
# bench: the shape of its reports, mistakes. Times are left out.
t bench bf gf --size 32x24 --repeat 1 --no-peers -t 1 | awk 'NR > 3 { print $1, $2, $3 }'
planish bench gf --size 32x24 --repeat 2 --no-peers --system --json |
    grep -oE '"(schema|method|width|height|threads|runs|size|working_bytes)": *("[^"]*"|[0-9]+)'
t bench bf --size 32x24 --repeat 1 --no-peers --thread-counts 2 --markdown |
    sed -n '/^|/{s/ [0-9][0-9.]* | [0-9][0-9.]* | [0-9][0-9.]* | `/ X | X | X | `/;p;}'
say 'a flag wins over PLANISH_THREADS'
t bench bf --size 8x8 --repeat 1 --no-peers --thread-counts 1,3 | awk '$1 == "bf" { print $3 }'
say 'all methods, but networks without weights'
PLANISH_MODELS= t bench --size 8x8 --repeat 1 --no-peers --thread-counts 1 | awk 'NR > 3 { print $1 }'
say mistakes
t bench foo
t bench bf:nope
t bench --size 1
t bench --size 100000x100000 bf
t bench --repeat -1
t bench bf --thread-counts 0
t bench bf --thread-counts 1,2,x
t bench bf --no-fixed
t --memory 1M bench wls --size 2000x2000 --no-peers 2>&1 | sed 's/[0-9.]* [kMG]B/SIZE/g'
