#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes a deeper network of JESS-Net's kind out of a trained shallow one: its blocks stay, new ones follow them in
each of the three parts. A new block adds little at first, the scale of its last normalisation being small, so that
training goes on from about where the shallow network was, whose steps cost a third. Needs numpy.

    deepen.py run/best.safetensors -o start.safetensors --blocks 20 --smooth 3 --refine 6
    planish train recipes/jess.ini --data sps/ -o run2/ --set network.start=start.safetensors \\
        --set network.statistics=running
"""
import argparse
import json
import re
import sys

import numpy as np

from import_weights import Problem, read, rhdc, write

# Part, index of its first block, key of the number of them in `config`
PARTS = (("descriptor.res16", 0, "num_block"), ("interpreter2", 3, "n_smooth"), ("refine", 3, "n_refine"))


def new_block(name, dim, gain, random):
    """He's initial values, and statistics that change nothing: as good a start for `statistics=running`."""
    bound = np.sqrt(6 / (9 * dim))
    t = {}
    for key, shape in rhdc(name, dim).items():
        if key.endswith("weight") and ".bn_" not in key:
            t[key] = random.uniform(-bound, bound, shape)
        elif key.endswith(("weight", "running_var")):  # of a normalisation
            t[key] = np.full(shape, gain if key == f"{name}.bn_conv_3x3_3.weight" else 1.0)
        else:
            t[key] = np.zeros(shape)
    return t


def deepen(tensors, config, wanted, gain, random):
    for part, first, key in PARTS:
        have, want = config[key], wanted[key]
        if want < have:
            raise Problem(f"{key} = {want}: at least its {have} blocks are expected")
        # What follows the blocks of a sequence moves on.
        moved = {}
        for name, t in tensors.items():
            m = re.match(re.escape(part) + r"\.(\d+)\.(.*)", name)
            if m and int(m[1]) >= first + have:
                name = f"{part}.{int(m[1]) + want - have}.{m[2]}"
            moved[name] = t
        tensors = moved
        for i in range(have, want):
            tensors |= new_block(f"{part}.{first + i}", config["dim"], gain, random)
    return tensors


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("start", help="weights of the shallow network")
    p.add_argument("-o", dest="out", required=True, help="the weights file")
    p.add_argument("--blocks", type=int, required=True, help="blocks of the descriptor")
    p.add_argument("--smooth", type=int, required=True, help="blocks of the smooth interpreter")
    p.add_argument("--refine", type=int, required=True, help="blocks of the enhancement")
    p.add_argument("--system", choices=("jess", "csgis"), default="jess", help="whose start it shall be")
    p.add_argument("--gain", type=float, default=0.1, help="last scale of a new block")
    p.add_argument("--seed", type=int, default=0, help="of the new blocks' values")
    o = p.parse_args()
    try:
        tensors, meta = read(o.start)
        if meta.get("system") not in ("jess", "csgis"):
            raise Problem(f"weights of '{meta.get('system')}': jess or csgis is expected")
        config = json.loads(meta["config"])
        wanted = {"dim": config["dim"], "num_block": o.blocks, "n_smooth": o.smooth, "n_refine": o.refine}
        tensors = deepen(tensors, config, wanted, o.gain, np.random.default_rng(o.seed))
        write(o.out, tensors, {"system": o.system, "config": json.dumps(wanted), "range": "1", "version": "1",
                               "channel_order": "RGB"}, False)
    except Problem as e:
        sys.exit(f"deepen.py: {o.start}: {e}")
    except OSError as e:
        sys.exit(f"deepen.py: {e}")


if __name__ == "__main__":
    main()
