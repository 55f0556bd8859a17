#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tests/nn/ops.safetensors: what PyTorch, in double precision, makes of the cases of
tests/nn/op_cases.c, and their gradients.

    tools/op_vectors.py tests/nn/op_cases.c tests/nn/ops.safetensors

Needs torch and safetensors. A case "NAME" gives "NAME: x0", "NAME: x1", ... (variables), "NAME: y",
"NAME: r" and, for the loss sum(y r), "NAME: g0", .... Tensors are N H W C, weights O I KH KW. Cases
whose builder has no function here, and those marked OP_LARGE, are left out.
"""
import re
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

ENUMS = {
    **{n: i for i, n in enumerate("PNN_ACT_NONE PNN_ACT_RELU PNN_ACT_LEAKY_RELU PNN_ACT_RELU6".split())},
    **{n: i for i, n in enumerate("PNN_NORM_RUNNING PNN_NORM_BATCH PNN_NORM_IMAGE".split())},
    **{n: i for i, n in enumerate("PNN_AXIS_N PNN_AXIS_H PNN_AXIS_W PNN_AXIS_C".split())},
    **{n: i for i, n in enumerate("PNN_PAD_ZERO PNN_PAD_REFLECT PNN_PAD_REPLICATE".split())},
    **{n: i for i, n in enumerate("PNN_SUM PNN_MEAN PNN_REDUCE_MAX".split())},
    **{n: 1 << i for i, n in enumerate("PNN_OVER_N PNN_OVER_H PNN_OVER_W PNN_OVER_C".split())},
    "PNN_OVER_ALL": 15,
    **{n: i for i, n in enumerate("""PNN_RELU PNN_RELU6 PNN_LEAKY_RELU PNN_SIGMOID PNN_TANH PNN_EXP
        PNN_LOG PNN_LOG_SIGMOID PNN_ABS PNN_SQRT PNN_RECIPROCAL PNN_SQUARE PNN_AFFINE PNN_CLAMP
        PNN_STEP PNN_SIGN""".split())},
    **{n: i for i, n in enumerate("""PNN_ADD PNN_SUB PNN_MUL PNN_DIV PNN_MIN PNN_MAX
        PNN_GREATER_EQUAL PNN_EQUAL""".split())},
    **{n: i for i, n in enumerate("""OP_ANY OP_APART OP_POSITIVE OP_DISTINCT OP_EVEN OP_ODD
        OP_WIDE""".split())},
}
OP_ANY, OP_APART, OP_POSITIVE, OP_DISTINCT, OP_EVEN, OP_ODD, OP_WIDE = range(7)
random = torch.Generator()
MOST = 1500  # values of the variables of a case: larger ones are left out


def values(kind, shape):
    """As op_value: away from kinks and ties."""
    n = int(torch.tensor(shape).prod())
    k = torch.randint(0, 1024, (n,), generator=random).double()
    sign = torch.where(torch.rand(n, generator=random) < 0.5, -1.0, 1.0).double()
    v = {
        OP_ANY: (k - 512) / 512,
        OP_APART: sign * (128 + k * 0.875) / 1024,
        OP_POSITIVE: 0.5 + k / 1024,
        OP_DISTINCT: (torch.randperm(n, generator=random) - n // 2).double() / 16,
        OP_EVEN: (k % 17 - 8) / 8,
        OP_ODD: (k % 17 - 8) / 8 + 0.0625,
        OP_WIDE: k % 19 - 8.5,
    }[kind]
    return v.reshape(shape)


class Variables(list):
    def __call__(self, *shape, kind=OP_ANY, slope=True):
        self.append(values(kind, shape).requires_grad_(slope))
        return self[-1]


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def conv(v, n, h, w, c, o, kh, kw, stride, dilation, groups, top, left, bottom, right, bias=0):
    x, weight = v(n, h, w, c), v(o, c // groups, kh, kw)
    b = v(1, 1, 1, o).flatten() if bias else None
    x = F.pad(nchw(x), (left, right, top, bottom))
    return nhwc(F.conv2d(x, weight, b, stride, 0, dilation, groups))


def conv_transposed(v, n, h, w, c, o, k, stride, dilation, groups, pad, more, bias=0):
    x, weight = v(n, h, w, c), v(c, o // groups, k, k)
    b = v(1, 1, 1, o).flatten() if bias else None
    if more >= max(stride, dilation):
        raise NotImplementedError
    return nhwc(F.conv_transpose2d(nchw(x), weight, b, stride, pad, more, groups, dilation))


def linear(v, n, h, w, c, o):
    return F.linear(v(n, h, w, c), v(o, c, 1, 1)[:, :, 0, 0], v(1, 1, 1, o).flatten())


def conv_epilogue(v, n, h, w, c, o, k, dilation, bias, act, residual=0):
    pad = dilation * (k - 1) // 2
    y = conv(v, n, h, w, c, o, k, k, 1, dilation, 1, pad, pad, pad, pad, bias)
    r = v(n, h, w, o) if residual else 0
    if residual == 1:
        y = y + r
    y = [lambda t: t, F.relu, lambda t: F.leaky_relu(t, 0.2), F.relu6][act](y)
    return y + r if residual == 2 else y


def moments(v, n, h, w, c, per_image=0):
    x = v(n, h, w, c)
    over = (1, 2) if per_image else (0, 1, 2)
    return torch.cat([x.mean(over, keepdim=True), x.var(over, unbiased=False, keepdim=True)], 2)


def norm(v, n, h, w, c, kind):
    x, gamma, beta = v(n, h, w, c), v(1, 1, 1, c, kind=OP_APART).flatten(), v(1, 1, 1, c).flatten()
    if kind == ENUMS["PNN_NORM_RUNNING"]:
        mean, var = v(1, 1, 1, c, slope=False), v(1, 1, 1, c, kind=OP_POSITIVE, slope=False)
        return nhwc(F.batch_norm(nchw(x), mean.flatten(), var.flatten(), gamma, beta, eps=1e-5))
    if kind == ENUMS["PNN_NORM_BATCH"]:
        return nhwc(F.batch_norm(nchw(x), None, None, gamma, beta, True, eps=1e-5))
    # Not F.instance_norm: its gradient of a single picture is wrong in PyTorch 2.
    mean, var = x.mean((1, 2), keepdim=True), x.var((1, 2), unbiased=False, keepdim=True)
    return gamma * (x - mean) / torch.sqrt(var + 1e-5) + beta


def unary(v, n, h, w, c, fn, kind, a=0, b=0):
    x, a, b = v(n, h, w, c, kind=kind), a / 8, b / 8
    return [F.relu, F.relu6, lambda t: F.leaky_relu(t, a), torch.sigmoid, torch.tanh, torch.exp,
            torch.log, F.logsigmoid, torch.abs, torch.sqrt, torch.reciprocal, torch.square,
            lambda t: a * t + b, lambda t: t.clamp(a, b), lambda t: (t > 0).double() + 0 * t,
            torch.sign][fn](x)


def binary(v, n, h, w, c, fn, first, second, ones1=0, ones2=0):
    shapes = [[1 if ones >> i & 1 else d for i, d in enumerate((n, h, w, c))]
              for ones in (ones1, ones2)]
    x, y = v(*shapes[0], kind=first), v(*shapes[1], kind=second)
    return [torch.add, torch.sub, torch.mul, torch.div, torch.minimum, torch.maximum,
            lambda p, q: (p >= q).double() + 0 * (p + q), lambda p, q: (p == q).double()][fn](x, y)


def fused(v, n, h, w, c):
    x, row, m = v(n, h, w, c), v(1, 1, 1, c), v(n, h, w, 1)
    return torch.sigmoid(x) * row + (1 - m * m) * x  # the slope of tanh, given its value m


def concat(v, n, h, w, c, axis, parts):
    shapes = [[d + (i if k == axis else 0) for k, d in enumerate((n, h, w, c))] for i in range(parts)]
    return torch.cat([v(*s) for s in shapes], axis)


def window(v, n, h, w, c, a, b, d, e, *size):
    return v(n, h, w, c)[a:a + size[0], b:b + size[1], d:d + size[2], e:e + size[3]]


def expand(v, n, h, w, c, ones):
    return v(*[1 if ones >> i & 1 else d for i, d in enumerate((n, h, w, c))]).expand(n, h, w, c)


def reshape(v, n, h, w, c, *shape):
    return v(n, h, w, c).reshape(shape)


def pad(v, n, h, w, c, top, left, bottom, right, mode=0):
    if mode == ENUMS["PNN_PAD_REFLECT"] and (max(top, bottom) >= h or max(left, right) >= w):
        mode = ENUMS["PNN_PAD_REPLICATE"]
    mode = ["constant", "reflect", "replicate"][mode]
    return nhwc(F.pad(nchw(v(n, h, w, c)), (left, right, top, bottom), mode))


def haar(v, n, h, w, c):
    x = nchw(v(n, h, w, c))
    p, q, r, s = (x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1))
    return nhwc(torch.cat([p + q + r + s, p - q + r - s, p + q - r - s, p - q - r + s], 1) / 4)


def haar_inverse(v, n, h, w, c):
    ll, lh, hl, hh = nchw(v(n, h, w, c)).chunk(4, 1)
    cell = [ll + lh + hl + hh, ll - lh + hl - hh, ll + lh - hl - hh, ll - lh - hl + hh]
    return nhwc(F.pixel_shuffle(torch.stack(cell, 2).flatten(1, 2), 2))


def max_pool(v, n, h, w, c, k):
    return nhwc(F.max_pool2d(nchw(v(n, h, w, c, kind=OP_DISTINCT)), k))


def average_pool(v, n, h, w, c, k):
    return nhwc(F.avg_pool2d(nchw(v(n, h, w, c)), k))


def reduce(v, n, h, w, c, fn, axes):
    over = [i for i in range(4) if axes >> i & 1]
    x = v(n, h, w, c, kind=OP_DISTINCT if fn == 2 else OP_ANY)
    return [torch.sum, torch.mean, torch.amax][fn](x, over, keepdim=True)


def resize(v, n, h, w, c, to_h, to_w, corners=0):
    return nhwc(F.interpolate(nchw(v(n, h, w, c)), (to_h, to_w), mode="bilinear",
                              align_corners=bool(corners)))


def matmul(v, n, h, w, c, m, shared=0):
    return v(n, h, w, c) @ v(1 if shared else n, 1, c, m)


def gram(v, n, h, w, c, m=0):
    x = v(n, h, w, c)
    y = v(n, h, w, m) if m else x
    return torch.einsum("nhwk,nhwm->nkm", x, y).unsqueeze(1)


def conv_norm(v, n, h, w, c, o):
    y = conv(v, n, h, w, c, o, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1)
    gamma, beta = v(1, 1, 1, o, kind=OP_APART).flatten(), v(1, 1, 1, o).flatten()
    mean, var = v(1, 1, 1, o, slope=False), v(1, 1, 1, o, kind=OP_POSITIVE, slope=False)
    return F.leaky_relu(nhwc(F.batch_norm(nchw(y), mean.flatten(), var.flatten(), gamma, beta)), 0.2)


def gate(v, n, h, w, c):
    x, row, m = v(n, h, w, c), v(1, 1, 1, c), v(n, h, w, 1)
    return x * torch.sigmoid(x.mean((1, 2), keepdim=True) * row) * torch.exp(0.5 * m - 0.25)


def cases(source):
    text = open(source).read()
    text = text[text.index("const op_case op_cases"):]
    for name, builder, arg, flags in re.findall(
            r'\{"([^"]*)",\s*(\w+),\s*\{([^}]*)\},\s*([^}]*)\}', text):
        arg = [ENUMS[a] if a in ENUMS else int(a) for a in re.split(r",\s*", arg.strip())]
        yield name, builder, arg, flags


def main():
    tensors = {}
    for number, (name, builder, arg, flags) in enumerate(cases(sys.argv[1])):
        function = globals().get(builder)
        if "OP_LARGE" in flags or not function:
            continue
        random.manual_seed(number)
        v = Variables()
        y = function(v, *arg)
        if sum(x.numel() for x in v) > MOST:
            continue
        kept = {f"x{i}": x for i, x in enumerate(v)}
        kept["y"] = y
        if "OP_NO_GRADIENT" not in flags:
            r = values(OP_ANY, y.shape)
            with_slope = [x for x in v if x.requires_grad]
            grads = iter(torch.autograd.grad((y * r).sum(), with_slope))
            kept["r"] = r
            kept.update({f"g{i}": next(grads) for i, x in enumerate(v) if x.requires_grad})
        for part, value in kept.items():
            tensors[f"{name}: {part}"] = value.detach().float().contiguous()
    save_file(tensors, sys.argv[2])
    print(f"{sys.argv[2]}: {len(tensors)} tensors")


if __name__ == "__main__":
    main()
