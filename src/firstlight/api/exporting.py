"""The verb that writes a trained network as a file for other programs."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firstlight.api.asking import found_run, own_dataset
from firstlight.api.delivering import new_file, require_equal, some_tested
from firstlight.api.networks import model_files, networks_of, side_names, trained_model
from firstlight.api.options import divided
from firstlight.api.run import Run
from firstlight.core.dataset import Images
from firstlight.core.delivery import Delivery
from firstlight.core.errors import SettingError
from firstlight.core.files import replacing
from firstlight.core.losses import LOSSES, WITH_SPREAD
from firstlight.core.run_folder import RunFolder

if TYPE_CHECKING:
    import keras

RUNS = Path("runs")
FORMATS = ("onnx", "keras")


def export(
    run: str | Path | Run,
    to: str = "onnx",
    output: str | Path | None = None,
    *,
    runs: str | Path = RUNS,
    trust_code: str | Path | None = None,
) -> Delivery:
    """Write a trained network as a file that other programs read.

    The preparation of the images is inside, and so are the units of measured values; an ensemble
    becomes one network that answers with the mean. What the file answers to 200 of the run's test
    images is held against the run's own answers before it is left in place.

    Args:
        run: a run's name, its folder, or what `train` returned.
        to: `onnx` or `keras`.
        output: the file; None: the run's name in the current folder.
        runs: the folder of runs.
        trust_code: as in `evaluate`.

    Returns:
        The file that was written, and the largest difference that was found.

    Raises:
        SettingError: there is no such format, or the file exists already.
        MissingExtraError: the packages for ONNX are not installed.
        ModelError: a layer cannot be written (the message names it), or the file answers
            otherwise than the run.
        RunError: there is no such run, or its data have changed.
        WriteError: the file cannot be written.

    Example:
        >>> import tempfile, numpy as np, firstlight as fl
        >>> place, images = tempfile.mkdtemp(), np.zeros((60, 8, 8), np.uint8)
        >>> images[::2, 4:] = 255
        >>> np.savez(f"{place}/halves.npz", images=images, labels=np.arange(60) % 2)
        >>> run = fl.train(f"{place}/halves.npz", runs=place, name="first", epochs=2)
        >>> made = fl.export("first", "onnx", f"{place}/halves.onnx", runs=place)
        >>> made.images, made.difference < 1e-5
        (9, True)
    """
    if to not in FORMATS:
        raise SettingError(f"--to takes one of {', '.join(FORMATS)}, but {to!r} came.")
    folder, trust_code = found_run(run, runs, trust_code)
    path = new_file(output or f"{folder.name}.{to}", f".{to}")
    if to == "keras" and not folder.members():
        networks_of(folder, trust_code)
        with replacing(path) as temporary:
            shutil.copyfile(folder.model, temporary)
        return Delivery(folder.name, (str(path),), 0, 0.0, _differences(folder.information()))
    if to == "onnx":
        from firstlight.deliver import require_onnx

        require_onnx()
    information = folder.information()
    model = whole_model(folder, information, trust_code)
    tested = some_tested(own_dataset(folder))
    expected = exact_answers(folder, tested, model.output_shape[-1], trust_code)
    with replacing(path, f".part.{to}") as temporary:
        if to == "onnx":
            answers = _through_onnx(model, temporary, folder, tested)
        else:
            answers = _through_keras(model, temporary, tested, len(expected))
        difference = require_equal(answers, expected, path)
    return Delivery(folder.name, (str(path),), len(tested), difference, _differences(information))


def _differences(information: dict[str, Any]) -> tuple[str, ...]:
    """What `predict` does and the file does not."""
    if information["data"]["task"] == "classify":
        return (
            "Its probabilities are the network's own: predict divides their logarithms by the "
            "temperature that the validation images taught.",
        )
    return ("It gives no intervals: those of predict come from the validation images.",)


def _through_onnx(
    model: keras.Model, path: Path, folder: RunFolder, tested: Images
) -> list[NDArray[np.float32]]:
    """What the network answers from a file that is written as ONNX."""
    from firstlight.deliver import ask_onnx, to_onnx

    information = folder.information()
    arrays = {"image": tested.images[:]} | ({} if tested.side is None else {"side": tested.side})
    outputs = _output_names(information, model)
    file = to_onnx(model, list(arrays), outputs, _about(folder.name, information))
    path.write_bytes(file.SerializeToString())
    answers = ask_onnx(path, arrays)
    return [answers[name] for name in outputs]


def _output_names(information: dict[str, Any], model: keras.Model) -> list[str]:
    """What the answers of a run's network are called."""
    if information["data"]["task"] == "measure":
        with_spread = information["settings"]["loss"] == WITH_SPREAD
        return ["values", "standard_deviations"] if with_spread else ["values"]
    # Hinge and squared losses take any numbers, of which the largest is the answer.
    if not LOSSES[information["settings"]["loss"]].endings:
        return ["scores"]
    return ["probability" if model.output_shape[-1] == 1 else "probabilities"]


def _about(run: str, information: dict[str, Any]) -> dict[str, str]:
    """What a program that reads an ONNX file may want to know of it."""
    known = information["data"]
    facts = {
        "run": run,
        "task": known["task"],
        "classes": known["classes"],
        "target_names": known["target_names"],
        "target_units": known["target_units"],
        "side": list(side_names(information)),
        "pixels": f"{known['dtype']} as they are stored; the network prepares them itself",
    }
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in facts.items() if v}


def _through_keras(
    model: keras.Model, path: Path, tested: Images, outputs: int
) -> list[NDArray[np.float32]]:
    """What the network answers from a file that Keras has written."""
    from firstlight.deliver import in_form
    from firstlight.models import import_keras

    model.save(path)
    saving, ops = import_keras().saving, import_keras().ops
    again = saving.load_model(path, compile=False)
    inputs = [tested.images[:].astype(np.float32)]
    inputs += [] if tested.side is None else [tested.side]
    answer = ops.convert_to_numpy(again(in_form(again, inputs)))
    if outputs == 1:
        return [answer]
    values, logarithms = np.split(answer, 2, axis=1)
    return [values, np.exp(logarithms)]


def whole_model(
    folder: RunFolder, information: dict[str, Any], trust_code: str | Path | None
) -> keras.Model:
    """The run's network as a Keras model; that of an ensemble answers with the mean of all."""
    from firstlight.deliver import averaged

    with_spread = information["settings"]["loss"] == WITH_SPREAD
    models = [trained_model(file, trust_code) for file in model_files(folder)]
    return averaged(models, with_spread)


def exact_answers(
    folder: RunFolder, images: Images, width: int, trust_code: str | Path | None
) -> list[NDArray[np.float32]]:
    """What the run's networks answer in float32: probabilities or values, then their spread.

    Args:
        folder: the run.
        images: as the networks see them.
        width: how many numbers the network answers with.
        trust_code: as in `evaluate`.
    """
    from firstlight.training import choose_machine

    settings, _ = divided({"precision": "float32"})
    networks = networks_of(folder, trust_code)
    networks = replace(networks, machine=choose_machine(settings), confidence=None)
    answers = networks.ask(images.images, images.names, images.side)
    if networks.information["settings"]["loss"] == WITH_SPREAD and answers.spread is not None:
        return [answers.values, answers.spread]
    # Of two classes, a network may answer with the probability of the second alone.
    return [answers.values[:, -width:]]
