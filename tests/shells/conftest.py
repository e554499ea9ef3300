"""A stand-in for `firstlight.api`: the command line is tested without training anything."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import firstlight
from firstlight.core.comparison import Comparison, Difference
from firstlight.core.conversion import Conversion
from firstlight.core.dataset import Refused
from firstlight.core.delivery import Delivery
from firstlight.core.environment import Device, Environment, KerasBackend
from firstlight.core.exploration import (
    Duplicates,
    Exploration,
    Histogram,
    PartSummary,
    PixelHistograms,
)
from firstlight.core.findings import Checkup, Edit, Finding, Fix, Layer, LayerCost
from firstlight.core.insight import (
    Filters,
    KernelAtWork,
    LayerAnswer,
    Look,
    Saliency,
    SanityCheck,
)
from firstlight.core.opened_numbers import (
    LayerParameters,
    OpenedNumber,
    ParameterArray,
    Step,
)
from firstlight.core.range_test import RangeTest
from firstlight.core.reports import ClassScore, ConfusedPair, Predictions, Report
from firstlight.core.scores import Score
from firstlight.shells.cli.main import run

# Names as they come from strangers: markup, an escape sequence, a formula, another script.
ODD_CLASSES = ("[red]cat[/red]", "clear\x1b[2J\nscreen", "=1+1", "naïve 学")
REFUSED = (Refused("bad\x1b[31m.png", "no image: the file is empty"),)


def odd_conversion() -> Conversion:
    arrays = {"images": ((6, 4, 5), "float32"), ODD_CLASSES[1]: ((6,), "<U5")}
    return Conversion("a.pkl", "a b.npz", arrays, {ODD_CLASSES[0]: "holds int and, in row 1, str"})


def odd_predictions() -> Predictions:
    values = np.array([[0.9, 0.1, 0, 0], [0.2, 0.7, 0.1, 0], [0, 0, 1, 0]], np.float32)
    names = np.array(["a.png", "[bold]b.png", "-c\x07.png"])
    return Predictions(names, values, "classify", classes=ODD_CLASSES, refused=REFUSED)


def odd_report() -> Report:
    return Report(
        task="classify",
        data="odd, test",
        count=3,
        scores={
            "loss": Score(float("nan")),
            "accuracy": Score(2 / 3, 0.2077, 0.9385),
        },
        predictions=odd_predictions(),
        targets=np.array([0, 1, 1]),
        classes=ODD_CLASSES,
        per_class=tuple(ClassScore(name, 0.5, 1.0, 2 / 3, 1) for name in ODD_CLASSES),
        confusion=np.eye(4, dtype=np.int64),
        confused=(ConfusedPair(ODD_CLASSES[1], ODD_CLASSES[2], 1),),
    )


@pytest.fixture
def rods_report() -> Report:
    values = np.array([[1.5], [-2.25]], np.float32)
    predictions = Predictions(
        np.array(["a.png", "b.png"]),
        values,
        "measure",
        target_names=("length",),
        target_units=("mm",),
    )
    return Report(
        task="measure",
        data="rods, test",
        count=2,
        scores={"loss": Score(0.25), "rmse": Score(0.5, 0.4, 0.7), "r2": Score(0.9)},
        predictions=predictions,
        targets=values,
    )


@dataclass
class FakeRun:
    folder: Path
    report: Report
    history: tuple[dict[str, Any], ...] = ()

    @property
    def name(self) -> str:
        return self.folder.name

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "folder": self.folder, "history": self.history}


def epoch_event(epoch: int, epochs: int = 2) -> dict[str, Any]:
    return {
        "kind": "epoch",
        "epoch": epoch,
        "epochs": epochs,
        "loss": 0.25 / epoch,
        "accuracy": 0.9321,
        "validation_loss": 0.125 / epoch,
        "validation_accuracy": 0.9876,
        "images_per_second": 12345.6,
        "seconds": 4.21,
    }


def training_events() -> list[dict[str, Any]]:
    def step(number: int, epoch: int) -> dict[str, Any]:
        return {
            "kind": "step",
            "step": number,
            "steps_total": 20,
            "epoch": epoch,
            "loss": 0.3,
            "images_per_second": 12000.0,
            "seconds_left": 75.0,
        }

    return [
        {"kind": "plan", "lines": ["data    odd [bold]", "model   compact", "recipe  2 epochs"]},
        {"kind": "start", "steps": 20, "epochs": 2},
        step(5, 1),
        epoch_event(1),
        step(15, 2),
        epoch_event(2),
        {"kind": "end", "state": "finished"},
    ]


def broken_checkup() -> Checkup:
    return Checkup(
        model="net.yaml",
        layers=(
            LayerCost(
                "conv", "Conv2D", (28, 28, 1), (24, 24, 16), 416, 416, 460_800, 36_864, (5, 5)
            ),
            LayerCost(
                "pool", "MaxPooling2D", (24, 24, 16), (12, 12, 16), 0, 0, 9_216, 9_216, (6, 6)
            ),
            LayerCost("dense", "Dense", (12, 12, 16), (12, 12, 10), 170, 170, 46_080, 5_760, None),
        ),
        findings=(
            Finding(
                "error",
                "one-answer-per-image",
                "Dense gives 12x12x10 answers where each image has one label.",
                layer="dense",
                fix=Fix("put Flatten() before it", (Edit("insert", 2, Layer("Flatten")),)),
            ),
        ),
        mended=(Layer("Flatten"),),
    )


def small_exploration() -> Exploration:
    def part(name: str, counts: tuple[int, ...]) -> PartSummary:
        shape = (sum(counts), 8, 6, 3)
        return PartSummary(name, sum(counts), shape, "uint8", 0, 255, 33.3, 78.9, counts)

    histogram = Histogram((400, 0, 100, 1), (0.0, 64.0, 128.0, 192.0, 256.0))
    return Exploration(
        name="odd",
        source="photos/[odd]",
        task="classify",
        classes=ODD_CLASSES,
        target_names=(),
        target_units=(),
        parts=(
            part("train", (9, 1, 1, 1)),
            part("validation", (2, 0, 0, 0)),
            part("test", (1,) * 4),
        ),
        balance=12.0,
        duplicates=Duplicates(
            {"train": 1, "validation": 0, "test": 0},
            {"train/validation": 0, "train/test": 2, "validation/test": 0},
            (("train: a.png", "test: \x1b[2J.png"),),
        ),
        histograms=PixelHistograms(histogram, histogram, histogram),
        sizes=(((8, 6), 12), ((16, 12), 6)),
        files_read=18,
        refused=REFUSED,
        notes=("16x12 images were brought to 8x6.",),
        split_rule="stratified at random",
        fingerprint="0" * 64,
    )


def small_environment() -> Environment:
    return Environment(
        system="Linux 6.1, x86_64",
        versions={"firstlight": "0.1.0", "h5py": None},
        devices=(Device("cpu", "Zen 4", 8_000_000_000, bfloat16=True),),
        gpu="No GPU: this machine shows none.",
        bfloat16="Yes: Zen 4 computes in it at full speed.",
        cores=4,
        threads=2,
        thread_variables={"OMP_NUM_THREADS": "2"},
        backends=(KerasBackend("torch", "2.13.0", True), KerasBackend("jax", None, False)),
    )


def small_range_test() -> RangeTest:
    losses = (2.0, 1.9, 1.0, 0.5, 90.0)
    rates = (0.001, 0.01, 0.1, 1.0, 10.0)
    end = "the loss became inf at a learning rate of 1e+02"
    command = "firstlight train 'photos/[odd]' --model net.yaml --learning-rate 0.1"
    rule = "the smallest learning rate at which the loss had made 97% of its fall"
    return RangeTest(rates, losses, losses, 1.0, 0.1, 0.1, rule, end, command)


def odd_look() -> Look:
    one, at = np.ones((1, 1, 1), np.float32), np.zeros(1, np.int64)
    check = SanityCheck((0.75, 0.5), one[0])
    return Look(
        run="odd-compact",
        image=one,
        image_name="[bold]b.png",
        true=None,
        answers={ODD_CLASSES[1]: 0.75, ODD_CLASSES[0]: 0.25},
        units={},
        of=ODD_CLASSES[1],
        layers=(LayerAnswer("conv", "Conv2D", 2 * one),),
        filters=(Filters("conv", "Conv2D", one[None], np.ones(1, np.float32)),),
        kernel=KernelAtWork(
            "conv", 0, 0, 0, one, 2.5 * one[0], at, at, at, one, 2 * one, 0.5, "relu"
        ),
        saliency=(Saliency("grad_cam", 0, one[0], "conv", check=check),),
        softmax=None,
        numbers=(OpenedNumber("accuracy", "The share.", (Step("share", "3 / 4", 0.75),)),),
        parameters=(
            LayerParameters("conv", "Conv2D", (ParameterArray("bias", ((1, "filters"),), True),)),
        ),
        notes=("Only the first network.",),
    )


@pytest.fixture
def calls() -> list[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    """What the command line asked of the api: verb, arguments, settings."""
    return []


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, calls: list[Any]) -> SimpleNamespace:
    """The stand-in; a test may replace any of its verbs."""
    comparison = Comparison(
        "classify",
        100,
        ("one", "two"),
        (
            Difference(
                "one", "two", "accuracy", 0.9, 0.95, Score(0.05, 0.01, 0.09), 0.01, 0.01, True,
                "two is better than one by more than chance",
            ),
        ),
        {"model": {"one": "simple", "two": "compact"}, "epochs": {"one": None, "two": 3}},
    )  # fmt: skip

    def record(verb: str, result: Any) -> Any:
        def call(*arguments: Any, progress: Any = None, **settings: Any) -> Any:
            calls.append((verb, arguments, settings))
            if progress is not None:
                for event in training_events():
                    progress(event)
            print("a library prints to stdout")
            return result

        return call

    finished = FakeRun(Path("runs/odd-compact"), odd_report())
    rows = [{"name": "compact", "summary": "the fast default", "parameters": 421_642, "flops": 5e6}]
    results = {
        "train": finished,
        "resume": finished,
        "evaluate": odd_report(),
        "predict": odd_predictions(),
        "explore": small_exploration(),
        "check": broken_checkup(),
        "compare": comparison,
        "list_models": rows,
        "doctor": small_environment(),
        "lr": small_range_test(),
        "convert": odd_conversion(),
        "look": odd_look(),
        "eject": Delivery("odd", ("a b.ipynb", "a b-data.npz"), 200, 0.0, ("All is float32.",)),
        "export": Delivery("odd", ("odd.onnx",), 200, 3.6e-07),
    }
    fake = SimpleNamespace(**{verb: record(verb, result) for verb, result in results.items()})
    monkeypatch.setitem(sys.modules, "firstlight.api", fake)
    monkeypatch.setattr(firstlight, "api", fake, raising=False)
    return fake


@dataclass
class Ended:
    code: int
    out: str
    err: str

    def document(self) -> Any:
        """stdout as JSON; anything else in it is an error, NaN too."""
        return json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command line in this process."""

    def call(*arguments: str) -> Ended:
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return call
