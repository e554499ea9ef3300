"""Training from shards on disk beside training from memory, on a set four times the budget.

    python benchmarks/larger_than_memory.py            measure and print the table
    python benchmarks/larger_than_memory.py --write    the same, into docs/larger-than-memory.md
    python benchmarks/larger_than_memory.py --quick    a small set, to see that everything runs

Every measurement is a process of its own (`fl.train`, from reading the data to the report), and the
contenders take turns. `from disk` is as `from shards`, but the system's own cache of the shards is
emptied once a second, so that the images really come from the disk, as they do where the set is
larger than the whole memory.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from measuring import Measured, measure

PAGE = Path(__file__).resolve().parent.parent / "docs" / "larger-than-memory.md"
SIDE, CLASSES, TINY = 64, 10, 2_000
IMAGE_BYTES = SIDE * SIDE * 3
CONTENDERS = ("from memory", "from shards", "from disk")
# Light on purpose: the faster the network, the more images the disk has to bring.
NETWORK = """
- Conv2D: {filters: 16, kernel_size: 8, strides: 4, activation: relu}
- MaxPooling2D
- Flatten
- Dense: {units: outputs, activation: softmax}
"""
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


def make_images(place: str, size: str) -> None:
    """Write `images.npy` and `labels.npy`: noise, and a bright row that tells the class."""
    import numpy as np

    folder, count = Path(place), int(size)
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    labels = random.integers(0, CLASSES, count)
    shape = (count, SIDE, SIDE, 3)
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, shape)
    for start in range(0, count, TINY):
        block = random.integers(0, 128, (len(labels[start : start + TINY]), *shape[1:]), np.uint8)
        block[np.arange(len(block)), labels[start : start + TINY] * 6] += 64
        images[start : start + TINY] = block
    np.save(folder / "labels.npy", labels)


def train(source: str, model: str, memory: str, shards: str, runs: str) -> None:
    """Train for one epoch and print images per second and the loss at its end."""
    import firstlight as fl

    stored = {"memory": memory, "shards": shards} if memory else {}
    run = fl.train(source, model=model, epochs=1, batch_size=128, runs=runs, **stored)
    print(json.dumps([run.history[0]["images_per_second"], run.history[0]["validation_loss"]]))


def convert(source: str, memory: str, shards: str) -> None:
    """Bring the images to disk."""
    import firstlight as fl

    fl.load(source, memory=memory, shards=shards)


CALLED: dict[str, Callable[..., None]] = {
    "make_images": make_images,
    "convert": convert,
    "train": train,
}


@contextmanager
def cold(folder: Path, wanted: bool) -> Iterator[None]:
    """Have the system forget what it has cached of the shards, once a second."""
    done = threading.Event()

    def forget() -> None:
        while not done.wait(1):
            for path in folder.glob("*/*.npy"):
                handle = os.open(path, os.O_RDONLY)
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(handle)

    thread = threading.Thread(target=forget)
    if wanted:
        thread.start()
    try:
        yield
    finally:
        done.set()
        if wanted:
            thread.join()


class Bench:
    """A set of images in a folder, and measurements of trainings on it."""

    def __init__(self, folder: Path, model: str, budget: int, count: int) -> None:
        self.folder, self.model, self.memory = folder, model, f"{budget}MB"
        self.shards = folder / "shards"
        (folder / "light.yaml").write_text(NETWORK)
        self.call("make_images", "images", str(count))
        self.call("make_images", "tiny", str(TINY))
        self.call("convert", "tiny/images.npy", self.memory, "shards")
        self.conversion = self.call("convert", "images/images.npy", self.memory, "shards").seconds

    def call(self, function: str, *arguments: str) -> Measured:
        """Call one of the functions above in a process of its own."""
        command = [sys.executable, __file__, "--call", function, *arguments]
        return measure(command, self.folder)

    def train(self, source: str, contender: str) -> tuple[float, float, float]:
        """Images per second, validation loss and peak memory (MB) of one training."""
        memory = "" if contender == "from memory" else self.memory
        with cold(self.shards, contender == "from disk"):
            done = self.call(
                "train", f"{source}/images.npy", self.model, memory, "shards" * bool(memory), "runs"
            )
        shutil.rmtree(self.folder / "runs")
        speed, loss = json.loads(done.output.splitlines()[-1])
        return speed, loss, done.peak_megabytes


def table(bench: Bench, budget: int, count: int, rounds: int) -> str:
    """Measure, and write what came out as a table."""
    least = bench.train("tiny", "from shards")[2]
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in CONTENDERS}
    for number in range(rounds):
        for name in CONTENDERS[:: -1 if number % 2 else 1]:
            found[name].append(bench.train("images", name))
            print(name, found[name][-1], flush=True)
    speeds = {name: median(one[0] for one in rows) for name, rows in found.items()}
    lines = [
        f"{count:,} images of {SIDE} x {SIDE} x 3 (uint8, {count * IMAGE_BYTES / 1e6:,.0f} MB), "
        f"`--memory {budget}MB`, {bench.model}, batches of 128, one epoch; {cores()}; medians of "
        f"{rounds} rounds. Bringing the images to disk took {bench.conversion:.0f} s. The same "
        f"training on {TINY:,} images has a peak of {least:,.0f} MB.",
        "",
        "| images | images/s | of the speed in memory | peak memory, MB | more than 2,000 images |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, rows in found.items():
        peak = median(one[2] for one in rows)
        # Within a round, since the machine may be busier in one than in another.
        share = median(
            one[0] / other[0] for one, other in zip(rows, found[CONTENDERS[0]], strict=True)
        )
        lines.append(
            f"| {name} | {speeds[name]:,.0f} | {share:.0%} | {peak:,.0f} | {peak - least:,.0f} |"
        )
    return "\n".join(lines)


def cores() -> str:
    """How many cores of which processor."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    load = os.getloadavg()[0]
    return f"{len(os.sched_getaffinity(0))} cores of {names[0]}, load before the start {load:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", type=int, default=256, help="MB of --memory")
    parser.add_argument("--model", default="light.yaml", help="a recipe (default: a light network)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--folder", help="where to put 2.2 times the set (default: temporary)")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--call", nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.call:
        CALLED[asked.call[0]](*asked.call[1:])
        return
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: asked.cores])
    budget = 16 if asked.quick else asked.budget
    count = 4 * budget * 1_000_000 // IMAGE_BYTES
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        bench = Bench(Path(folder), asked.model, budget, count)
        text = table(bench, budget, count, 1 if asked.quick else asked.rounds)
    print(text)
    if asked.write:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
