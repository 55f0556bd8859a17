# SPDX-License-Identifier: MIT
"""training.py TRAIN_BENCH [THREADS [STEPS]]: a step of training, planish's beside PyTorch's, as tables in
Markdown: each in a process of its own, taking turns. TRAIN_BENCH is the program of train_bench.c; PyTorch is that of
this interpreter."""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEMS = (("jess", 8), ("sasnet", 16))
KEPT = ("dear", "half", "cuts")


def measured(command, environment=None):
    """(ms, processor seconds, MB) of the one line that both programs print."""
    line = subprocess.run(command, capture_output=True, text=True, check=True,
                          env={**os.environ, **(environment or {})}).stdout.splitlines()[0]
    return tuple(float(re.search(p, line).group(1)) for p in
                 (r"([\d.]+) ms,", r"([\d.]+) processor seconds", r"peak (\d+) MB"))


def main():
    program = sys.argv[1]
    threads, steps = (sys.argv[2] if len(sys.argv) > 2 else "0"), (sys.argv[3] if len(sys.argv) > 3 else "3")
    torch = subprocess.run([sys.executable, "-c", "import torch; print(torch.__version__.split('+')[0])"],
                           capture_output=True, text=True, check=False).stdout.strip()
    print("| network | batch | program | ms | processor s | process MB | times the first's time | times its MB |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for system, batch in SYSTEMS:
        recipe = os.path.join(HERE, "..", "recipes", f"{system}.ini")
        ours = [program, "--threads", threads, "--steps", steps, recipe, f"data.batch={batch}", "data.patch=128"]
        theirs = [sys.executable, os.path.join(HERE, "train_bench.py"), system, str(batch), steps]
        limit = {"THREADS": threads} if threads != "0" else {}
        runs = [(f"planish, `keep={keep}`", [*ours, f"optimiser.keep={keep}"], {}) for keep in KEPT]
        if torch:
            runs += [(f"PyTorch {torch}, {p}", theirs, {"PRECISION": p, **limit}) for p in ("bf16", "f32")]
        first = None
        for name, command, environment in runs:
            ms, cpu, mb = measured(command, environment)
            first = first or (cpu, mb)
            print(f"| `{system}` | {batch} | {name} | {ms:.0f} | {cpu:.2f} | {mb:.0f} | **{cpu / first[0]:.2f}** "
                  f"| **{mb / first[1]:.2f}** |", flush=True)


main()
