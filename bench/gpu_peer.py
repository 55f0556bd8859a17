# SPDX-License-Identifier: MIT
"""gpu_peer.py MODEL.onnx WxH: a network that planish exported, in PyTorch on a GPU at batch 1: bf16,
channels_last, one CUDA graph replayed; median milliseconds of 50 replays by events. Exit code 77 without
PyTorch or a GPU."""
import statistics
import sys

try:
    import torch

    import onnx_in_torch
except ImportError as missing:
    print(missing, file=sys.stderr)
    sys.exit(77)
RUNS = 50


def captured(network, x):
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            network(x)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        network(x)
    return graph.replay


def milliseconds(run):
    marks = [torch.cuda.Event(enable_timing=True) for _ in range(RUNS + 1)]
    for _ in range(5):
        run()
    marks[0].record()
    for mark in marks[1:]:
        run()
        mark.record()
    torch.cuda.synchronize()
    return statistics.median(a.elapsed_time(b) for a, b in zip(marks, marks[1:]))


def main():
    if not torch.cuda.is_available():
        print("PyTorch sees no GPU", file=sys.stderr)
        sys.exit(77)
    w, h = map(int, sys.argv[2].split("x"))
    torch.backends.cudnn.benchmark = True
    network = onnx_in_torch.Network(sys.argv[1], torch.bfloat16, torch.channels_last)
    network.values = {n: v.cuda() if v.is_floating_point() else v for n, v in network.values.items()}
    x = torch.rand(1, 3, h, w, device="cuda", dtype=torch.bfloat16).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        print(f"PyTorch {torch.__version__} bf16 {w}x{h}: {milliseconds(captured(network, x)):.3f} ms of the device")


main()
