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

import tables
from measuring import Measured, measure, read_options

PAGE = tables.DOCS / "larger-than-memory.md"
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


def as_markdown(bench: Bench, budget: int, count: int, rounds: int) -> str:
    """Measure, and write what came out as a table."""
    where = tables.machine_sentence(tables.machine())
    least = bench.train("tiny", "from shards")[2]
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in CONTENDERS}
    for number in range(rounds):
        for name in CONTENDERS[:: -1 if number % 2 else 1]:
            found[name].append(bench.train("images", name))
            print(name, found[name][-1], flush=True)
    above = (
        f"{count:,} images of {SIDE} x {SIDE} x 3 (uint8, {count * IMAGE_BYTES / 1e6:,.0f} MB), "
        f"`--memory {budget}MB`, {bench.model}, batches of 128, one epoch; medians of {rounds} "
        f"rounds. Bringing the images to disk took {bench.conversion:.0f} s. The same training on "
        f"{TINY:,} images has a peak of {least:,.0f} MB."
    )
    head = ["images", "images/s", "of the speed in memory", "peak memory, MB"]
    rows = []
    for name, runs in found.items():
        speed, peak = (median(one[column] for one in runs) for column in (0, 2))
        # Within a round, since the machine may be busier in one than in another.
        pairs = zip(runs, found[CONTENDERS[0]], strict=True)
        share = median(one[0] / other[0] for one, other in pairs)
        rows.append([name, f"{speed:,.0f}", f"{share:.0%}", f"{peak:,.0f}", f"{peak - least:,.0f}"])
    table = tables.table([*head, f"more than {TINY:,} images"], rows)
    return "\n\n".join([where, above, table])


def main() -> None:
    if sys.argv[1:2] == ["--call"]:
        CALLED[sys.argv[2]](*sys.argv[3:])
        return
    parser = argparse.ArgumentParser(description="Training from disk beside training from memory.")
    parser.add_argument("--budget", type=int, default=256, help="MB of --memory")
    parser.add_argument("--model", default="light.yaml", help="a recipe (default: a light network)")
    parser.add_argument("--rounds", type=int, default=5, help="of each way")
    parser.add_argument("--folder", help="where to put 2.2 times the set (default: temporary)")
    options = read_options(parser, quick="a small set, one round")
    budget = 16 if options.quick else options.budget
    count = 4 * budget * 1_000_000 // IMAGE_BYTES
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        bench = Bench(Path(folder), options.model, budget, count)
        text = as_markdown(bench, budget, count, 1 if options.quick else options.rounds)
    print(f"\n{text}")
    if options.write:
        tables.put_into(PAGE, text)


if __name__ == "__main__":
    main()
