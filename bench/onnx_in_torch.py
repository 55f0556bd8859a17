# SPDX-License-Identifier: MIT
"""An ONNX model that planish exported, run by PyTorch's own operations.

Batch normalisations are folded into the convolutions before them, weights are kept in the order of
the memory format that is asked for: what a careful user of PyTorch would do. Only the operations
that `planish export` writes for networks that smooth.
"""
import numpy
import onnx
import torch
import torch.nn.functional as F


def over_pixels(reduce):
    return lambda a, x: reduce(x, dim=a["axes"], keepdim=bool(a.get("keepdims", 1)))


def window(a):
    top, left, bottom, right = a["pads"]
    assert (top, left) == (bottom, right), "pads differ"
    return {"stride": a["strides"], "padding": (top, left), "dilation": a["dilations"], "groups": a["group"]}


def conv(a, x, weight, bias=None):
    return F.conv2d(x, weight, bias, **window(a))


def conv_transposed(a, x, weight, bias=None):
    return F.conv_transpose2d(x, weight, bias, **window(a))


def sliced(a, x, starts, ends, axes):
    for start, end, axis in zip(starts.tolist(), ends.tolist(), axes.tolist()):
        x = x.narrow(axis, start, min(end, x.shape[axis]) - start)
    return x


def shape(a, x):
    return torch.tensor(x.shape)[a.get("start", 0) : a.get("end")]


def quotient(a, x, y):
    return x / y if x.is_floating_point() else torch.div(x, y, rounding_mode="trunc")


def space_to_depth(a, x):
    k = a["blocksize"]
    n, c, h, w = x.shape
    return x.reshape(n, c, h // k, k, w // k, k).permute(0, 3, 5, 1, 2, 4).reshape(n, c * k * k, h // k, w // k)


def depth_to_space(a, x):
    k = a["blocksize"]
    n, c, h, w = x.shape
    return x.reshape(n, k, k, c // k // k, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // k // k, h * k, w * k)


def batch_norm(a, x, weight, bias, mean, var):
    return F.batch_norm(x, mean, var, weight, bias, eps=a["epsilon"])


def filled(a, size):
    value = torch.from_numpy(onnx.numpy_helper.to_array(a["value"]).copy()) if "value" in a else torch.zeros(1)
    return (value.to(a["dtype"]) if value.is_floating_point() else value).expand(size.tolist())


OPERATIONS = {
    "Abs": lambda a, x: x.abs(),
    "Add": lambda a, x, y: x + y,
    "And": lambda a, x, y: x & y,
    "BatchNormalization": batch_norm,
    "Concat": lambda a, *x: torch.cat(x, a["axis"]),
    "ConstantOfShape": filled,
    "Conv": conv,
    "ConvTranspose": conv_transposed,
    "DepthToSpace": depth_to_space,
    "Div": quotient,
    "Exp": lambda a, x: x.exp(),
    "Gather": lambda a, x, i: x.index_select(a["axis"], i) if i.dim() else x.select(a["axis"], int(i)),
    "Identity": lambda a, x: x,
    "InstanceNormalization": lambda a, x, weight, bias: F.instance_norm(x, None, None, weight, bias, eps=a["epsilon"]),
    "LeakyRelu": lambda a, x: F.leaky_relu(x, a["alpha"]),
    "LessOrEqual": lambda a, x, y: x <= y,
    "MatMul": lambda a, x, y: x @ y,
    "Max": lambda a, x, y: torch.maximum(x, y),
    "Min": lambda a, x, y: torch.minimum(x, y),
    "Mul": lambda a, x, y: x * y,
    "Range": lambda a, start, end, step: torch.arange(int(start), int(end), int(step)),
    "ReduceMax": over_pixels(torch.amax),
    "ReduceMean": over_pixels(torch.mean),
    "ReduceSum": lambda a, x, axes: x.sum(dim=axes.tolist(), keepdim=True),
    "Relu": lambda a, x: F.relu(x),
    "Reshape": lambda a, x, size: x.reshape([x.shape[i] if n == 0 else n for i, n in enumerate(size.tolist())]),
    "Shape": shape,
    "Sigmoid": lambda a, x: x.sigmoid(),
    "Slice": sliced,
    "SpaceToDepth": space_to_depth,
    "Squeeze": lambda a, x, *axes: x.squeeze(),
    "Sub": lambda a, x, y: x - y,
    "Tanh": lambda a, x: x.tanh(),
    "Where": lambda a, c, x, y: torch.where(c, x, y),
}


def attributes(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def fold(nodes, values):
    """Batch normalisations of convolutions that nothing else reads."""
    readers = {}
    for node in nodes:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    kept = []
    for node in nodes:
        before = kept[-1] if kept else None
        if (
            node.op_type == "BatchNormalization"
            and before.op_type == "Conv"
            and before.output[0] == node.input[0]
            and len(readers[node.input[0]]) == 1
        ):
            weight, bias, mean, var = (values[name] for name in node.input[1:])
            gain = weight / torch.sqrt(var + attributes(node)["epsilon"])
            values[before.input[1]] = values[before.input[1]] * gain[:, None, None, None]
            old = values[before.input[2]] if len(before.input) > 2 else 0
            values[node.input[2]] = bias + (old - mean) * gain
            before.input[2:] = [node.input[2]]
            before.output[0] = node.output[0]
        else:
            kept.append(node)
    return kept


class Network:
    def __init__(self, path, dtype, memory_format):
        model = onnx.load(path)
        self.input = model.graph.input[0].name
        self.output = model.graph.output[0].name
        values = {t.name: torch.from_numpy(numpy.array(onnx.numpy_helper.to_array(t))) for t in model.graph.initializer}
        nodes = fold(list(model.graph.node), values)
        for name, v in values.items():
            if v.is_floating_point():
                v = v.to(dtype)
            values[name] = v.contiguous(memory_format=memory_format) if v.dim() == 4 else v
        self.values = values
        self.steps = [(OPERATIONS[n.op_type], {**attributes(n), "dtype": dtype}, list(n.input), n.output[0]) for n in nodes]
        last = {name: i for i, step in enumerate(self.steps) for name in step[2]}
        last.pop(self.output, None)
        self.done = [[] for _ in self.steps]
        for name, i in last.items():
            if name not in values:
                self.done[i].append(name)

    def __call__(self, x):
        values = {**self.values, self.input: x}
        for (operation, attribute, names, result), done in zip(self.steps, self.done):
            values[result] = operation(attribute, *(values[name] for name in names))
            for name in done:
                del values[name]
        return values[self.output]
