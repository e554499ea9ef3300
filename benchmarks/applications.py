"""Every network of `keras.applications`: does the engine compute what Keras computes, how fast?

    python benchmarks/applications.py                 all of them; prints the table
    python benchmarks/applications.py --write         the same, and puts it into the documentation
    python benchmarks/applications.py --only VGG16    one or several, by name
    python benchmarks/applications.py --keep          leave out those that were measured before

Each network has a process of its own (`one_application.py`), which bounds the memory, in the
environment of TensorFlow. Results are written down after each network, so that a run can be broken
off. This process stays small on purpose: Linux counts a parent's memory at the start of a child.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import environments
import tables
from measuring import measure, read_options

HERE = Path(__file__).resolve().parent
PAGE = tables.DOCS / "applications.md"
RESULTS = HERE / "applications.json"
# The smallest first. NASNet takes the TensorFlow or the JAX backend.
NAMES = (
    "MobileNetV3Small MobileNetV2 MobileNet MobileNetV3Large EfficientNetB0 NASNetMobile "
    "EfficientNetV2B0 EfficientNetB1 EfficientNetV2B1 DenseNet121 EfficientNetB2 EfficientNetV2B2 "
    "EfficientNetB3 DenseNet169 EfficientNetV2B3 EfficientNetB4 DenseNet201 EfficientNetV2S "
    "Xception InceptionV3 ResNet50 ResNet50V2 ConvNeXtTiny EfficientNetB5 EfficientNetB6 "
    "ResNet101 ResNet101V2 ConvNeXtSmall EfficientNetV2M InceptionResNetV2 ResNet152 ResNet152V2 "
    "EfficientNetB7 VGG16 VGG19 ConvNeXtBase NASNetLarge EfficientNetV2L ConvNeXtLarge "
    "ConvNeXtXLarge"
).split()
LIMIT = 1e-4


def as_markdown(results: dict[str, Any]) -> str:
    """The section of the documentation that shows `results`."""
    differences, errors = [], []
    for name, row in results["networks"].items():
        after, seconds = row["after"], row["seconds"]
        differences.append(
            [
                name,
                f"{row['parameters'] / 1e6:.1f}",
                f"{row['before']:.0e}" + ("" if close(row) else " †"),
                *(f"{after[kind]:.0e}" for kind in ("outputs", "weights", "statistics")),
            ]
        )
        sides = ("keras", "firstlight")
        errors.append(
            [
                name,
                *(f"{row['errors'][side]:.0e}" for side in sides),
                *(f"{1000 * seconds[side]:,.0f}" for side in sides),
                f"{seconds['keras'] / seconds['firstlight']:.1f}",
            ]
        )
    rows = list(results["networks"].values())
    lowered = sum(not row["in_keras"] for row in rows)
    backend = {"tensorflow": "TensorFlow", "jax": "JAX"}.get(rows[0]["backend"], "torch")
    parity = ["network", "parameters, millions", "answers", "answers after a step"]
    exactness = ["network", "Keras from exact", "firstlight from exact"]
    return "\n\n".join(
        [
            f"{lowered} of {len(rows)} networks are lowered without a layer left to Keras. "
            f"{sum(map(close, rows))} agree with Keras within {LIMIT:.0e}, before and after the "
            "step; in the others (†) float32 itself does not reach that. In "
            f"{sum(map(exact_enough, rows))} the engine's answers are within {LIMIT:.0e} of exact "
            "ones, or as near to them as Keras's (at most twice as far).",
            f"Keras on {backend}, {rows[0]['size']} x {rows[0]['size']} pixels, batches of "
            f"{rows[0]['batch']}. {tables.machine_sentence(results['machine'])}",
            "### Between Keras and firstlight",
            tables.table([*parity, "weights", "moving statistics"], differences),
            "### From exact answers, and a training step",
            tables.table([*exactness, "Keras, ms", "firstlight, ms", "ratio"], errors),
        ]
    )


def close(row: dict[str, Any]) -> bool:
    """Whether no difference between the two is above the limit."""
    after = row["after"]
    return max(row["before"], after["outputs"], after["weights"], after["statistics"]) < LIMIT


def exact_enough(row: dict[str, Any]) -> bool:
    """Whether the engine is about as near to exact answers as Keras is, or nearer than asked."""
    return bool(row["errors"]["firstlight"] < max(LIMIT, 2 * row["errors"]["keras"]))


def main() -> None:
    parser = argparse.ArgumentParser(description="The engine beside Keras on its applications.")
    environments.add_option(parser)
    parser.add_argument("--size", type=int, default=96, help="height and width of the images")
    parser.add_argument("--batch", type=int, default=16, help="images in a batch")
    parser.add_argument("--steps", type=int, default=5, help="measured training steps, interleaved")
    parser.add_argument("--only", nargs="+", default=NAMES, metavar="NAME", help="these networks")
    parser.add_argument("--keep", action="store_true", help="measure only what is missing")
    options = read_options(parser)

    python = environments.python_of("tensorflow", options.environments)
    variables = {"KERAS_BACKEND": "tensorflow"}
    results: dict[str, Any] = {"machine": tables.machine(), "networks": {}}
    if options.keep and RESULTS.exists():
        results = json.loads(RESULTS.read_text())
    done = results["networks"]
    numbers = [str(number) for number in (options.size, options.batch, options.steps)]
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.only:
            if options.keep and name in done:
                continue
            command = [python, str(HERE / "one_application.py"), name, *numbers]
            output = measure(command, Path(scratch), variables).output
            done[name] = json.loads(output.splitlines()[-1])
            print(name, json.dumps(done[name]), flush=True)
            ordered = sorted(done, key=lambda name: int(done[name]["parameters"]))
            results["networks"] = done = {name: done[name] for name in ordered}
            RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    text = as_markdown(results)
    print(f"\n{text}")
    if options.write:
        tables.put_into(PAGE, text)


if __name__ == "__main__":
    main()
