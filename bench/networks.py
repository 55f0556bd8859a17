# SPDX-License-Identifier: MIT
"""Networks on this processor beside other engines: a table in Markdown.

networks.py PLANISH RANDOM_WEIGHTS [--threads 1,2] [--runs N] [--peers NAME,NAME] [NET:WxH ...]: each
network, with its shipped weights or else those that it starts from, is exported by planish and runs in
planish and in each peer that is installed, on the same picture, each in a process of its own, one after
the other, planish in f32 before each peer: medians of all its runs. Ratios are of processor time for one
thread, which neighbours change little, else of wall time. A peer that fails is said and left out. Needs
numpy; peers: onnxruntime, openvino, torch (with onnx).
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy

PEERS = "onnxruntime openvino torch".split()
CASES = "jess:512x384 sasnet:512x384 sasnet:1280x720 fan:512x384 fan:1280x720".split()
PEER = pathlib.Path(__file__).with_name("network_peer.py")


MISSING = 77  # exit code of a peer that is not installed or has no such precision


def measured(command):
    """Exit code, standard output, the most memory of a process in MB, its processor milliseconds."""
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen([str(word) for word in command], stdout=out)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in (0, MISSING):
            print(f"exit code {child.returncode}: {' '.join(str(word) for word in command)}", file=sys.stderr)
        out.seek(0)
        processor = 1e3 * (usage.ru_utime + usage.ru_stime)
        return child.returncode, out.read().decode(), usage.ru_maxrss * 1024 / 1e6, processor


class Case:
    def __init__(self, planish, maker, net, size, folder):
        self.planish, self.net, self.folder = planish, net, folder
        self.w, self.h = map(int, size.split("x"))
        self.model, self.weights = folder / "net.onnx", []
        export = [planish, "-q", "export", net, "-o", self.model]
        if subprocess.run(export, capture_output=True).returncode:
            self.weights = ["--weights", folder / "w.safetensors"]
            subprocess.run([maker, net, self.weights[1]], check=True)
            subprocess.run([*export, *self.weights], check=True, stdout=subprocess.DEVNULL)
        nets = json.loads(subprocess.run([planish, "nets", "--json"], check=True, capture_output=True).stdout)
        self.white = next(n["range"] for n in nets["nets"] if n["name"] == net)
        noise = numpy.random.default_rng(1)
        blocks = noise.random((self.h // 16 + 1, self.w // 16 + 1, 3)).repeat(16, 0).repeat(16, 1)
        x = 0.7 * blocks[: self.h, : self.w] + 0.3 * noise.random((self.h, self.w, 3))
        self.x, self.y, self.x_nchw, self.peer_y = (folder / f"{n}.npy" for n in ("x", "y", "x_nchw", "peer_y"))
        numpy.save(self.x, x.astype("f4"))
        numpy.save(self.x_nchw, (self.white * x).astype("f4").transpose(2, 0, 1)[None].copy())

    def smooth(self, precision, threads, pictures):
        """The same picture so many times: the first run loads the weights and plans."""
        folder, results = self.folder / "in", self.folder / "out"
        folder.mkdir(exist_ok=True)
        results.mkdir(exist_ok=True)
        names = [folder / f"{i}.npy" for i in range(pictures)]
        for name in names:
            if not name.exists():
                os.link(self.x, name)
        command = [self.planish, "-t", threads, "smooth", *names, "-o", results, "-m", self.net]
        code, text, mb, processor = measured([*command, *self.weights, "--precision", precision, "--json"])
        if code:
            sys.exit("planish failed")
        (results / "0.npy").replace(self.y)
        each = text.splitlines() if pictures > 1 else [text]
        return [1e3 * json.loads(line)["seconds"]["run"] for line in each], mb, processor

    def own(self, precision, threads, runs):
        _, _, start = self.smooth(precision, threads, 1)
        times, mb, processor = self.smooth(precision, threads, runs + 1)
        row = {"name": "planish", "first_ms": times[0], "ms": times[1:], "mb": mb}
        return {**row, "processor_ms": [(processor - start) / runs]}, numpy.load(self.y)

    def peer(self, engine, precision, threads, runs):
        command = [sys.executable, PEER, engine, precision, self.model, self.x_nchw, threads, runs, self.peer_y]
        code, text, mb, _ = measured(command)
        if code:
            return None, None
        y = numpy.load(self.peer_y)[0].transpose(1, 2, 0) / self.white
        return {**json.loads(text), "mb": mb}, y


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("planish")
    parser.add_argument("random_weights")
    parser.add_argument("cases", nargs="*", default=CASES, metavar="NET:WxH")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--runs", type=int, default=3, help="timed runs of each, after one to warm up")
    parser.add_argument("--peers", default=",".join(PEERS))
    given = parser.parse_intermixed_args()
    version = subprocess.run([given.planish, "--version", "--json"], check=True, capture_output=True)
    isa = json.loads(version.stdout)["isa"]
    precisions = ["f32", "bf16"] if isa in ("avx512", "amx") else ["f32"]
    print(f"Instruction set in use: {isa}. Medians of {given.runs} runs of a process, of slow peers of fewer.")
    print()
    print(
        "| network | size | threads | engine | precision | ms | processor ms | its time / planish f32 "
        "| start ms | process MB | rmse |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for case in given.cases:
        net, size = case.split(":")
        with tempfile.TemporaryDirectory() as folder:
            c = Case(given.planish, given.random_weights, net, size, pathlib.Path(folder))
            for threads in given.threads.split(","):
                rows = []
                for engine in filter(None, given.peers.split(",")):
                    # Before each peer again: what disturbs this machine comes and goes.
                    rows += [(c.own("f32", threads, given.runs), "f32")]
                    rows += [(c.peer(engine, precision, threads, given.runs), precision) for precision in precisions]
                rows += [(c.own(precision, threads, given.runs), precision) for precision in precisions]
                table(net, size, threads, rows)


def table(net, size, threads, rows):
    """Rows in order of appearance, those of one name and precision as one."""
    runs = {}
    for (row, y), precision in rows:
        if row:
            runs.setdefault((row["name"], precision), []).append((row, y))

    def median(runs, key):
        return statistics.median(value for row, _ in runs for value in row[key])

    first = next(iter(runs.values()))
    for (name, precision), same in runs.items():
        ms = median(same, "ms")
        start = max(statistics.median(row["first_ms"] for row, _ in same) - ms, 0)
        mb = max(row["mb"] for row, _ in same)
        key = "processor_ms" if threads == "1" else "ms"
        ratio = median(same, key) / median(first, key)
        rmse = float(numpy.sqrt(numpy.mean((same[0][1] - first[0][1]) ** 2)))
        print(
            f"| `{net}` | {size} | {threads} | {name} | {precision} | {ms:.0f} | {median(same, 'processor_ms'):.0f} "
            f"| **{ratio:.2f}** | {start:.0f} | {mb:.0f} | {rmse:.1e} |",
            flush=True,
        )


main()
