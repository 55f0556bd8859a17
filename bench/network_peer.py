# SPDX-License-Identifier: MIT
"""network_peer.py ENGINE PRECISION MODEL.onnx X.npy THREADS RUNS Y.npy: one peer in a process of its own.

ENGINE: onnxruntime, openvino or torch; PRECISION: f32 or bf16; X, Y: 1 x 3 x H x W. Prints JSON: name,
milliseconds of loading with the first run, and of each run after it, those of the wall and the processor's. Exit
code 77 where the engine is missing or has no such precision. Of slow engines fewer runs are timed.
"""
import json
import sys
import time

import numpy

ENOUGH = 6000  # ms


def onnxruntime_run(model, shape, threads, precision):
    import onnxruntime

    if precision != "f32":
        sys.exit(77)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    for name, size in zip("NHW", (shape[0], *shape[2:])):
        options.add_free_dimension_override_by_name(name, size)
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return f"ONNX Runtime {onnxruntime.__version__}", lambda x: session.run(["y"], {"x": x})[0]


def openvino_run(model, shape, threads, precision):
    import openvino

    core = openvino.Core()
    network = core.read_model(model)
    network.reshape(list(shape))
    compiled = core.compile_model(
        network,
        "CPU",
        {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"},
    )
    if compiled.get_property("INFERENCE_PRECISION_HINT").to_string() != {"f32": "f32", "bf16": "bf16"}[precision]:
        sys.exit(77)
    request = compiled.create_infer_request()
    return f"OpenVINO {openvino.__version__.split('-')[0]}", lambda x: request.infer({"x": x})[compiled.output(0)]


def torch_run(model, shape, threads, precision):
    import torch

    import onnx_in_torch

    torch.set_num_threads(threads)
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[precision]
    network = onnx_in_torch.Network(model, dtype, torch.channels_last)

    def run(x):
        with torch.inference_mode():
            x = torch.from_numpy(x).to(dtype).contiguous(memory_format=torch.channels_last)
            return network(x).float().contiguous().numpy()

    return f"PyTorch {torch.__version__.split('+')[0]}", run


def main():
    engine, precision, model, x_path, threads, runs, y_path = sys.argv[1:]
    x = numpy.load(x_path)
    start = time.perf_counter()
    try:
        name, run = globals()[f"{engine}_run"](model, x.shape, int(threads), precision)
    except ImportError as missing:
        print(missing, file=sys.stderr)
        sys.exit(77)
    y = run(x)
    first = time.perf_counter() - start
    numpy.save(y_path, y)
    times, processor = [], []
    while not times or (len(times) < int(runs) and sum(times) < ENOUGH):
        start, busy = time.perf_counter(), time.process_time()
        run(x)
        processor.append(1e3 * (time.process_time() - busy))
        times.append(1e3 * (time.perf_counter() - start))
    print(json.dumps({"name": name, "first_ms": 1e3 * first, "ms": times, "processor_ms": processor}))


main()
