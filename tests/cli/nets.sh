# SPDX-License-Identifier: MIT
# nets: the list, one network, its graph, a weights file, what is wrong.

# weights FILE VALUE: the front of VGG16 one channel wide; VALUE: four bytes in printf's octal.
weights() {
    json='{"__metadata__":{"system":"vgg16","config":"{\"widths\": [1, 1]}","recipe":"tenths"}' at=0
    for layer in 0:3 2:1 5:1 7:1; do
        i=${layer%:*} in=${layer#*:} end=$((at + 36 * ${layer#*:}))
        json="$json,\"features.$i.weight\":{\"dtype\":\"F32\",\"shape\":[1,$in,3,3],\"data_offsets\":[$at,$end]}"
        at=$((end + 4))
        json="$json,\"features.$i.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[$end,$at]}"
    done
    json="$json}"
    {
        printf "\\$(printf %o $((${#json} % 256)))\\$(printf %o $((${#json} / 256)))\0\0\0\0\0\0%s" "$json"
        for i in $(seq $((at / 4))); do printf "$2"; done
    } >"$1"
}
weights w.safetensors '\315\314\314\075'
weights huge.safetensors '\377\377\177\177'

t nets | sed '/^$/,$d' # what weights there are: release.sh
# How much memory depends on what the machine can do.
t nets sasnet:x4 --size 64x64 | grep -v '^  memory'
t nets vgg16 --text
t nets vgg16 --text --size 20x11 >sized
grep -c 'x 11 x 20 x' sized
planish nets vgg16 --dot | sed -n '1,4p;$p'
t nets fan:port --json | grep -v '"arena_'
t nets w.safetensors | grep -v '^  memory'
t nets w.safetensors --verify
t nets huge.safetensors --verify

say 'shells offer all of them'
planish nets --json | sed -n 's/^ *"net": "\(.*\)",$/\1/p' | uniq >named
planish completion fish | sed -n "s/.*seen_subcommand_from nets' -f -a '\(.*\)'$/\1/p" | tr ' ' '\n' >offered
cmp named offered
grep -c . named

say 'what is wrong'
t nets sasnett
t nets anything
t nets sasnet:x3
t nets none.safetensors
t nets --text
t nets sasnet --text --dot
t nets sasnet --dot --json
t nets sasnet --size 12
t nets sasnet --size 0x3
