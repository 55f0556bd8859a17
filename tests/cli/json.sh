# SPDX-License-Identifier: MIT
# --json: one document; progress as JSON on stderr.
npy '<f4' '3, 4' >a.npy
head -c 48 /dev/zero >>a.npy
t --json smooth a.npy -o b.npy -m wls --lambda 10/255
t --json smooth a.npy -o b.npy --detail c.npy -m bf -t 1
t --json smooth a.npy -o b.npy -m wls --dry-run
t --json smooth nothing.npy -m wls
t --json smooth a.npy -o - -m wls
t --json --version | sed -E 's/: ("[^"]*"|[0-9]+|true|false)/: X/; /read|write/d'
t --json methods wls | grep -o '^ *"[a-z_]*":' | tr -d ' ' | sort -u
t --progress json -t 1 smooth a.npy -o b.npy -m wls 2>&1 >/dev/null |
    sed 's/"fraction": *[0-9.e-]*/"fraction":X/' | tail -n 1
