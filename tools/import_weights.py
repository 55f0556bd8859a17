#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turns published checkpoints into weights files of planish: names, shapes and colour order as the networks
expect them, and metadata (src/nn/safetensors.h). Needs numpy, and torch for .pth files; nothing of planish's
build or tests needs this program.

    import_weights.py jess epoch_224.pth -o jess.safetensors --source 'YidFeng/Easy2Hard'
    import_weights.py vgg16 vgg16.pth -o vgg16_front.safetensors --scale 81.6,427.7,687.5,724.2

| SYSTEM    | reads |
|-----------|-------|
| jess      | state dict of JESS-Net or an ablation, {'net': ...} or bare. Trained on BGR unless --order rgb |
| csgis     | the same network, trained on RGB unless --order bgr |
| vgg16     | features.N.{weight,bias} of torchvision; conv1_1 to conv2_2 are kept |
| deeplabv3 | stem, blocks.N.{expand,depthwise,project}, aspp0, image_pooling, concat_projection, logits |
| fan       | head.N, body.N.{a,b}, up, tail, each {conv,norm}; last |
"""
import argparse
import json
import re
import struct
import sys

import numpy as np


class Problem(Exception):
    pass


# ---- Files

TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1"}


def read_safetensors(path):
    data = open(path, "rb").read()
    n = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + n])
    meta = header.pop("__metadata__", {})
    tensors = {}
    for name, t in header.items():
        begin, end = (8 + n + offset for offset in t["data_offsets"])
        if t["dtype"] == "BF16":
            values = (np.frombuffer(data[begin:end], "<u2").astype("<u4") << 16).view("<f4")
        elif t["dtype"] in TYPES:
            values = np.frombuffer(data[begin:end], TYPES[t["dtype"]])
        else:
            raise Problem(f"tensor '{name}': dtype {t['dtype']}: F32, F16 or BF16 is expected")
        tensors[name] = values.reshape(t["shape"])
    return tensors, meta


def read(path):
    """name -> float32 array, and the file's metadata."""
    if path.endswith(".safetensors"):
        tensors, meta = read_safetensors(path)
    else:
        import torch
        state, meta = torch.load(path, map_location="cpu", weights_only=True), {}
        for key in ("net", "state_dict", "model"):
            if isinstance(state.get(key), dict):
                state = state[key]
        tensors = {k: v.detach().float().numpy() for k, v in state.items()}
    return {re.sub(r"^module\.", "", k): np.asarray(v, np.float32)
            for k, v in tensors.items() if not k.endswith("num_batches_tracked")}, meta


def write(path, tensors, meta, half):
    """Laid out as pnn_st_write does: wide types first, then by name."""
    arrays = {}
    for name, v in tensors.items():
        if not np.isfinite(v).all():
            raise Problem(f"tensor '{name}': NaN or infinite values")
        # Vectors stay f32: running variances leave the range of f16.
        arrays[name] = np.ascontiguousarray(v, "<f2" if half and v.ndim > 1 else "<f4")
        if not np.isfinite(arrays[name]).all():
            raise Problem(f"tensor '{name}': values over 65504 do not fit f16: use --type f32")
    header, offset = {"__metadata__": dict(sorted(meta.items()))}, 0
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name.encode()))
    for name in order:
        a = arrays[name]
        header[name] = {"dtype": {4: "F32", 2: "F16"}[a.itemsize], "shape": list(a.shape),
                        "data_offsets": [offset, offset + a.nbytes]}
        offset += a.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for name in order:
            f.write(arrays[name].tobytes())


# ---- Layouts: every name a network has, and its shape

def conv(name, c_out, c_in, k=3):
    return {name + ".weight": (c_out, c_in, k, k), name + ".bias": (c_out,)}


def norm(name, c):
    return {f"{name}.{part}": (c,) for part in ("weight", "bias", "running_mean", "running_var")}


def conv_norm(name, i, c_out, c_in):
    """Entries i and i + 1 of a sequence."""
    return conv(f"{name}.{i}", c_out, c_in) | norm(f"{name}.{i + 1}", c_out)


def rhdc(name, dim):
    shapes = {}
    for d in (1, 2, 3):
        shapes |= conv(f"{name}.conv_3x3_{d}", dim, dim) | norm(f"{name}.bn_conv_3x3_{d}", dim)
    return shapes


def triple(name, dim):
    shapes = {}
    for i in (0, 3, 6):
        shapes |= conv_norm(f"{name}.triple_conv", i, dim, dim)
    return shapes


def smooth_interpreter(name, c_in, dim, block, n):
    shapes = conv_norm(name, 0, dim, c_in)
    for i in range(3, 3 + n):
        shapes |= block(f"{name}.{i}", dim)
    return shapes | conv_norm(name, 3 + n, dim, dim) | conv(f"{name}.{6 + n}", 3, dim)


def count(tensors, pattern):
    """How many different numbers N a name of the form pattern has."""
    return len({m.group(1) for m in (re.match(pattern, k) for k in tensors) if m})


def jess_layout(t):
    """The variant by what is there; returns system, constructor arguments, shapes."""
    if "descriptor.conv_in.weight" not in t:
        raise Problem("tensor 'descriptor.conv_in.weight': missing: a JESS-Net state dict has it")
    dim, n = t["descriptor.conv_in.weight"].shape[0], count(t, r"descriptor\.res16\.(\d+)\.")
    config = {"dim": dim, "num_block": n}
    baseline = any(k.startswith("descriptor.res16.0.triple_conv.") for k in t)
    shapes = conv("descriptor.conv_in", dim, 3)
    for i in range(n):
        shapes |= (triple if baseline else rhdc)(f"descriptor.res16.{i}", dim)
    if baseline:
        return "baseline", config, shapes | smooth_interpreter("interpreter", dim, dim, triple, 3)
    head = "interpreter" if "interpreter.0.weight" in t else "interpreter1"
    shapes |= conv_norm(head, 0, dim, dim) | conv_norm(head, 3, dim, dim)
    shapes |= conv(head + ".6", 3 if head == "interpreter" else 1, dim)
    if head == "interpreter":
        return "hdc", config, shapes
    config["n_smooth"] = count(t, r"interpreter2\.(\d+)\.conv_3x3_1\.")
    shapes |= smooth_interpreter("interpreter2", dim + 1, dim, rhdc, config["n_smooth"])
    if "refine.0.weight" not in t:
        return "hdc_edge", config, shapes
    config["n_refine"] = n = count(t, r"refine\.(\d+)\.conv_3x3_1\.")
    shapes |= conv_norm("refine", 0, dim, dim + 4) | conv(f"refine.{3 + n}", 3, dim)
    for i in range(3, 3 + n):
        shapes |= rhdc(f"refine.{i}", dim)
    return "jess", config, shapes


def swap_colours(t, shapes):
    """BGR <-> RGB: what reads the picture, what writes one, and what reads the picture S0 in between."""
    t["descriptor.conv_in.weight"] = t["descriptor.conv_in.weight"][:, ::-1]
    for part in ("interpreter", "interpreter2", "refine"):
        numbers = [int(m.group(1)) for m in (re.fullmatch(part + r"\.(\d+)\.bias", k) for k in shapes) if m]
        if numbers:
            for kind in ("weight", "bias"):
                name = f"{part}.{max(numbers)}.{kind}"
                t[name] = t[name][::-1]
    if "refine.0.weight" in t:
        w = t["refine.0.weight"]
        t["refine.0.weight"] = np.concatenate((w[:, :-3], w[:, :-4:-1]), 1)


# (expansion, channels, repeats) of MobileNetV2 1.0
INVERTED_RESIDUALS = ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1))


def deeplabv3_shapes():
    shapes, c_in, i = conv("stem", 32, 3), 32, 0
    for expand, c, repeats in INVERTED_RESIDUALS:
        for _ in range(repeats):
            wide, name = c_in * expand, f"blocks.{i}"
            if expand > 1:
                shapes |= conv(name + ".expand", wide, c_in, 1)
            shapes |= conv(name + ".depthwise", wide, 1) | conv(name + ".project", c, wide, 1)
            c_in, i = c, i + 1
    for name in ("aspp0", "image_pooling"):
        shapes |= conv(name, 256, 320, 1)
    return shapes | conv("concat_projection", 256, 512, 1) | conv("logits", 21, 256, 1)


def fan_shapes(width, blocks, last_kernel):
    def unit(name, c_in, k=3):
        return conv(name + ".conv", width, c_in, k) | norm(name + ".norm", width)
    shapes = unit("head.0", 3) | unit("head.1", width) | unit("head.2", width)
    for i in range(blocks):
        shapes |= unit(f"body.{i}.a", width) | unit(f"body.{i}.b", width)
    return shapes | unit("up", width, 4) | unit("tail", width) | conv("last", 3, width, last_kernel)


def check(tensors, shapes):
    """Exactly these names, these shapes."""
    for name, shape in shapes.items():
        if name not in tensors:
            raise Problem(f"tensor '{name}': missing")
        if tensors[name].shape != shape:
            raise Problem(f"tensor '{name}': shape {tensors[name].shape}: {shape} is expected")
    for name in tensors:
        if name not in shapes:
            raise Problem(f"tensor '{name}': this network has none of that name")


# ---- Systems: tensors, old metadata, options -> tensors, metadata

def jess(t, meta, o):
    system, config, shapes = jess_layout(t)
    check(t, shapes)
    order = o.order or {"jess": "bgr", "csgis": "rgb"}[o.system]
    if order == "bgr":
        swap_colours(t, shapes)
    if o.system == "csgis":
        if system != "jess":
            raise Problem(f"this is the ablation '{system}': CSGIS-Net has a refine branch")
        system = "csgis"
    return t, {"system": system, "config": json.dumps(config), "range": "1"}


def vgg16(t, meta, o):
    names = [f"features.{n}" for n in (0, 2, 5, 7)]
    shapes = {}
    for name, c_in, c_out in zip(names, (3, 64, 64, 128), (64, 64, 128, 128)):
        shapes |= conv(name, c_out, c_in)
    scaled = "activation_scale" in t
    if scaled and o.scale:
        raise Problem("tensor 'activation_scale': the layers are scaled already: leave --scale out")
    scale = t["activation_scale"] if scaled else np.asarray(o.scale or [1] * 4, np.float32)
    kept = {k: v for k, v in t.items() if k in shapes}
    check(kept, shapes)
    if not scaled:
        # relu(a x) = a relu(x), a > 0: layer l divided by scale[l], its input by scale[l - 1] already.
        for name, before, after in zip(names, [1.0, *scale[:-1]], scale):
            kept[name + ".weight"] = kept[name + ".weight"] * np.float32(before / after)
            kept[name + ".bias"] = kept[name + ".bias"] / np.float32(after)
    # What the layers were divided by: nothing that the network needs.
    divisors = json.dumps([round(float(x), 4) for x in scale])
    return kept, {"system": "vgg16", "config": "{}", "range": "1", "activation_scale": divisors}


def deeplabv3(t, meta, o):
    check(t, deeplabv3_shapes())
    return t, {"system": "deeplabv3", "config": '{"classes": 21}', "range": "1"}


def fan(t, meta, o):
    old = json.loads(meta.get("config", "{}"))
    blocks = count(t, r"body\.(\d+)\.")
    config = {"width": int(t["last.weight"].shape[1]) if "last.weight" in t else 64,
              "blocks": old.get("blocks", [2, 2, 4, 4, 8, 8, 16, 16, 1, 1]),
              "last_kernel": int(t["last.weight"].shape[2]) if "last.weight" in t else 1,
              "relu_after_add": old.get("relu_after_add", True), "mean": old.get("mean", 115)}
    if blocks != len(config["blocks"]):
        raise Problem(f"{blocks} blocks in 'body': {len(config['blocks'])} are expected")
    check(t, fan_shapes(config["width"], blocks, config["last_kernel"]))
    kept = {k: meta[k] for k in ("norm", "variant") if k in meta}
    return t, kept | {"system": "fan", "config": json.dumps(config), "range": "255"}


SYSTEMS = {"jess": jess, "csgis": jess, "vgg16": vgg16, "deeplabv3": deeplabv3, "fan": fan}


def scales(text):
    values = [float(v) for v in text.split(",")]
    if len(values) != 4 or min(values) <= 0:
        raise argparse.ArgumentTypeError("four numbers above 0 are expected: 81.6,427.7,687.5,724.2")
    return values


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("system", choices=SYSTEMS)
    p.add_argument("checkpoint", help=".safetensors or what torch.save wrote")
    p.add_argument("-o", dest="out", required=True, help="the weights file")
    p.add_argument("--type", choices=("f32", "f16"), default="f32", help="of matrices; vectors are f32")
    p.add_argument("--order", choices=("bgr", "rgb"), help="colours that jess or csgis was trained on")
    p.add_argument("--scale", type=scales, help="vgg16: what to divide the four activations by")
    p.add_argument("--source", help="whose weights these are, for the metadata")
    o = p.parse_args()
    if o.order and SYSTEMS[o.system] is not jess:
        p.error("--order is for jess and csgis: the others are RGB")
    if o.scale and o.system != "vgg16":
        p.error("--scale is for vgg16")
    try:
        tensors, meta = read(o.checkpoint)
        source = o.source or meta.get("source")
        tensors, made = SYSTEMS[o.system](tensors, meta, o)
        made |= {"version": "1", "channel_order": "RGB"} | ({"source": source} if source else {})
        write(o.out, tensors, made, o.type == "f16")
    except (Problem, OSError) as e:
        sys.exit(f"import_weights.py: {e}" if isinstance(e, OSError) else f"import_weights.py: {o.checkpoint}: {e}")


if __name__ == "__main__":
    main()
