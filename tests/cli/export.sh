# SPDX-License-Identifier: MIT
# export: formats, types, what is compared, what is wrong.

# weights FILE RECIPE: the front of VGG16 one channel wide, every value 0.1.
weights() {
    json='{"__metadata__":{"system":"vgg16","config":"{\"widths\": [1, 1]}","recipe":"'$2'"}' at=0
    for layer in 0:3 2:1 5:1 7:1; do
        i=${layer%:*} in=${layer#*:} end=$((at + 36 * ${layer#*:}))
        json="$json,\"features.$i.weight\":{\"dtype\":\"F32\",\"shape\":[1,$in,3,3],\"data_offsets\":[$at,$end]}"
        at=$((end + 4))
        json="$json,\"features.$i.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[$end,$at]}"
    done
    json="$json}"
    {
        printf "\\$(printf %o $((${#json} % 256)))\\$(printf %o $((${#json} / 256)))\0\0\0\0\0\0%s" "$json"
        for i in $(seq $((at / 4))); do printf '\315\314\314\075'; done
    } >"$1"
}
weights w.safetensors tenths

t export vgg16 --weights w.safetensors -o v.onnx
t export vgg16 --weights w.safetensors -o half.onnx --dtype f16
t export vgg16 --weights w.safetensors -o brain.safetensors --dtype bf16
t export vgg16 --weights brain.safetensors -o again.safetensors --json
say 'a model names its inputs, sizes and weights and keeps what is said about them'
for word in N H W features.7.bias Conv MaxPool recipe tenths; do
    grep -aq "$word" v.onnx || echo "no $word"
done
say 'so do weights'
grep -ao '"recipe":"tenths"' again.safetensors

say 'what is wrong'
t export vgg16 --weights w.safetensors
t export vgg16 --weights w.safetensors -o v.pt
t export vgg61 --weights w.safetensors -o v.onnx
t export vgg16:wide --weights w.safetensors -o v.onnx
t export jess --weights w.safetensors -o v.onnx
t export vgg16 --weights none.safetensors -o v.onnx
t export vgg16 --weights w.safetensors -o none/v.onnx
t export vgg16 --weights w.safetensors -o v.onnx --dtype f64
PLANISH_MODELS=$PWD/models
export PLANISH_MODELS
mkdir models
cp w.safetensors models/vgg16.safetensors
say 'installed weights'
t export vgg16 -o installed.onnx
cmp v.onnx installed.onnx
