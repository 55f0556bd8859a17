# SPDX-License-Identifier: MIT
# eval of networks in bf16, which needs AVX-512: the precision is in the cache's key.
planish --version --json | grep -qE '"isa": "(avx512|amx)"' || exit 77
s -q dataset make scenes -o set --count 24 --texture-count 18 --size 48x36 --seed 5 >/dev/null
tiny_recipe 1 1 >net.ini
planish -q train net.ini --data set -o net 2>/dev/null
mkdir models && cp net/best.safetensors models/sasnet.safetensors

# more ARGUMENTS: how many results the cache has gained since.
more() {
    before=$(lines n)
    PLANISH_MODELS=models planish eval set -o n --methods sasnet --limit 1 --test-limit 2 --pictures 0 -q "$@"
    echo $(($(lines n) - before)) more
}
say f32, bf16, bf16 again, bf16 of all flips and turns
more
more --precision bf16
more --precision bf16
more --precision bf16 --ensemble
grep -o 'Networks: .*' n/table.md
