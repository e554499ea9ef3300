"""What these cores can do at most, and what the notebook's networks ask of them.

    python arithmetic_peak.py

Prints a JSON object: `peak`, the best matrix product in 10^9 operations a second for each number
format, and `flops`, the operations of one training image for each network by firstlight's own
walk: forward once, backward twice, less the gradient that the first layer's input does not need.
"""

import json
import os
import time

import torch

from firstlight.models import build_model, walk

SIZES = (512, 1024, 1536)
SECONDS = 1.5
DIGITS = (28, 28, 1)


def peak(precision: torch.dtype) -> float:
    """The highest rate over a few sizes of square matrices, in 10^9 operations a second."""
    best = 0.0
    for size in SIZES:
        left, right = torch.randn(2, size, size).to(precision)
        end = time.perf_counter() + SECONDS
        # Where a format is only imitated, a single product can take longer than all of this.
        while (begin := time.perf_counter()) < end:
            torch.mm(left, right)
            best = max(best, 2 * size**3 / (time.perf_counter() - begin))
    return best / 1e9


def training_flops(network: str) -> int:
    """Operations (a multiplication and an addition are two) for one image in training."""
    rows = walk(build_model(network, DIGITS, 10, "classify"), DIGITS)
    first = next(row.flops for row in rows if row.parameters)
    return 3 * sum(row.flops for row in rows) - first


if __name__ == "__main__":
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    result = {
        "peak": {name: peak(getattr(torch, name)) for name in ("float32", "bfloat16")},
        "flops": {name: training_flops(name) for name in ("simple", "intermediate", "vgg")},
    }
    print(json.dumps(result))
