# SPDX-License-Identifier: MIT
"""Exported ONNX models give what planish gives.

onnx_parity.py PLANISH ONNX_CASE [NET ...]: writes random weights of every network, exports them,
checks the model with onnx.checker, runs it in ONNX Runtime at sizes even and odd, and compares with
planish's own results, in parts of the largest value; the same for every operation. Needs numpy, onnx, onnxruntime. Exit code 77
where they are missing, 1 where something differs.
"""
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy
    import onnx
    import onnxruntime
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

NETS = (
    "jess hdc_edge hdc baseline csgis csgis:20 fan fan:port sasnet sasnet:x4 sasnet:x8 sasnet:plain "
    "sasnet:bn unet autoencoder mi eme vgg16 deeplabv3"
).split()
SIZES = "64x48 37x51 40x43 9x7".split()
# A border that cannot be reflected is replicated. VGG16 pools once; Fan's network divides by the
# spread of the picture's values, which for six pixels is rounding error.
SMALL = {"vgg16": [], "op:pools": [], "fan": ["1x1"]}
LIMIT = 1e-4


def parity(planish, case, net, folder):
    sizes = SIZES + SMALL.get(net, ["1x1", "2x3"])
    lines = subprocess.run([case, net, folder, *sizes], check=True, capture_output=True, text=True)
    model = folder / "net.onnx"
    weights = folder / "weights.safetensors"
    if not model.exists():
        subprocess.run([planish, "export", net, "--weights", weights, "-o", model], check=True)
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    worst = 0.0
    for line in lines.stdout.splitlines():
        size, shape = line.split()
        h, w = map(int, size.split("x"))
        x = numpy.fromfile(folder / f"x_{size}.f32", "<f4").reshape(1, -1, h, w)
        y = numpy.fromfile(folder / f"y_{size}.f32", "<f4").reshape(1, *map(int, shape.split("x")))
        # Two pictures at once: each gives what it gives alone.
        got = session.run(["y"], {"x": numpy.concatenate([x, x[:, :, ::-1]])})[0][:1]
        if got.shape != y.shape:
            raise SystemExit(f"{net} at {size}: {got.shape}, planish has {y.shape}")
        difference = float(abs(got - y).max() / max(abs(y).max(), 1e-30))
        if not difference <= LIMIT:
            raise SystemExit(f"{net} at {size}: differs by {difference:.2g}: {LIMIT} is the most")
        worst = max(worst, difference)
    return worst


def main():
    planish, case, *nets = sys.argv[1:]
    ops = subprocess.run([case, "ops"], check=True, capture_output=True, text=True)
    for net in nets or ops.stdout.split() + NETS:
        with tempfile.TemporaryDirectory() as folder:
            worst = parity(planish, case, net, pathlib.Path(folder))
        print(f"{net:16} {worst:.1e}", flush=True)


main()
