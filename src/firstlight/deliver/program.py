"""A run as a Keras program that stands alone: read, build, train, test."""

from __future__ import annotations

import re
from collections.abc import Mapping

from firstlight.core.losses import WITH_SPREAD
from firstlight.deliver.augmentation_code import augmentation_code
from firstlight.deliver.lesson import Lesson, quiet
from firstlight.deliver.scores_code import class_scores_code, value_scores_code
from firstlight.deliver.sections import Section
from firstlight.deliver.training_code import (
    class_weight_code,
    loss_code,
    metric_code,
    optimizer_code,
    targets_code,
)
from firstlight.deliver.values import value_code
from firstlight.training.augmenting import Augmentation

SETUP = """\
import math
import os

os.environ.setdefault("KERAS_BACKEND", "torch")  # or "tensorflow", or "jax"

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed({seed})"""


# Those of a report that the program works out too.
SCORES = ("loss", "accuracy", "top_3", "rmse", "mae", "bias", "r2")
# How they are printed, and found in what was printed.
SHOW = """\
for name, score in scores.items():
    print(f"{name:24} {score:9.4f}   firstlight: {of_the_run.get(name, math.nan):9.4f}")"""
SHOWN = re.compile(r"^(\S.*?) +(\S+)   firstlight: +(\S+)$", re.MULTILINE)
# What a loss is, for those that most runs train with.
MEANINGS = {
    "categorical_crossentropy": "minus the logarithm of the probability of the right class",
    "sparse_categorical_crossentropy": "minus the logarithm of the probability of the right class",
    "mean_squared_error": "the mean of the squared differences from the true values",
    WITH_SPREAD: "how unlikely the true values are for what the network answers",
}
MNIST = (
    " They are MNIST, by Yann LeCun, Corinna Cortes and Christopher J. C. Burges, under the "
    "licence CC BY-SA 3.0."
)


def program_of(lesson: Lesson) -> tuple[str, str, tuple[Section, ...], tuple[str, ...]]:
    """The program that does what a run did.

    Returns:
        Its title, what it is about, its steps, and what is not as in the run (which is said in
        the program too).

    Example:
        >>> from firstlight.models import resolve_settings
        >>> from firstlight.core.settings import TrainSettings
        >>> settings = resolve_settings(TrainSettings(model="simple"), "classify")
        >>> network = "network = keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten()])"
        >>> lesson = Lesson(
        ...     "first", settings, "classify", "pets", (8, 8, 1), ("cat", "dog"), (), (), 2,
        ...     network, {"accuracy": 1.0}, 1.0, "first-data.npz", "first.keras"
        ... )
        >>> title, about, sections, unlike = program_of(lesson)
        >>> [section.title for section in sections][:2], len(unlike)
        (['The data', 'The network'], 2)
    """
    change = Augmentation.parse(lesson.settings.augment)
    classes, layers, unlike = augmentation_code(change, lesson.image_shape, lesson.noise_unit)
    notes = (*lesson.differences(), *unlike)
    about = (
        f"The network of the firstlight run {quiet(lesson.run)} as a plain Keras program: it "
        "reads the same images, builds the same network, trains it in the same way and tests it. "
        f"The images lie in {quiet(lesson.data_file)}, in the folder where this has to run.\n\n"
        "It needs Keras with one of its backends, and NumPy."
    )
    sections = (
        _data(lesson),
        Section("The network", _network_text(lesson), f"{lesson.network}\nnetwork.summary()"),
        *_changes(lesson, classes, layers),
        _training(lesson),
        _fit(lesson),
        _test(lesson),
        Section(
            "Keep it",
            "The file holds the network with all that it has learned. To use it elsewhere: "
            "network = keras.saving.load_model(file, compile=False).\n\nNot as in firstlight: "
            + " ".join(notes),
            f"network.save({value_code(lesson.model_file)})",
        ),
    )
    return f"The network of {quiet(lesson.run)}", about, sections, notes


def printed_scores(printed: str) -> dict[str, tuple[float, float]]:
    """The scores in what a program has printed: its own and the run's, by name.

    Example:
        >>> printed_scores("accuracy                    0.9811   firstlight:    0.9795")
        {'accuracy': (0.9811, 0.9795)}
    """
    return {name: (float(own), float(run)) for name, own, run in SHOWN.findall(printed)}


def setup_code(seed: int) -> str:
    """The first lines of a program: what it imports, and the seed."""
    return SETUP.format(seed=seed)


def _data(lesson: Lesson) -> Section:
    parts = ("train", "validation", "test")
    columns = ["images", *(["side"] if lesson.side else []), lesson.what]
    lines = [
        setup_code(lesson.settings.seed),
        "",
        f"data = np.load({value_code(lesson.data_file)})",
    ]
    for part in parts:
        names = [f"{part}_{column}" for column in columns]
        lines.append(f"{', '.join(names)} = {', '.join(f'data[{value_code(n)}]' for n in names)}")
    if lesson.classify:
        lines.append(f"classes = {value_code(list(lesson.classes))}")
        targets = "Each has a label: the number of its class, counted from 0."
    else:
        lines.append(f"targets = {value_code(list(lesson.target_names))}")
        targets = "Each has the values that are to be measured on it, in columns."
    lines.append('print("to train:", train_images.shape, train_images.dtype)')
    beside = (
        f" Beside each image enter numbers: {quiet(', '.join(lesson.side))}." if lesson.side else ""
    )
    owners = MNIST if lesson.source == "mnist" else ""
    text = (
        "The images are numbers in an array of shape (images, height, width, channels), as they "
        f"were stored: the network prepares them itself. {targets}{beside}{owners}\n\n"
        "They come in three parts. The network learns from the first. The second shows after every "
        "epoch how it does on images that it does not learn from; all choices are made with it. "
        "The third is used once, at the very end."
    )
    return Section("The data", text, "\n".join(lines))


def _network_text(lesson: Lesson) -> str:
    text = (
        "Layer by layer; beside each stands the shape of what it makes of one image. Everything "
        "that is done to the pixels first is part of the network, so it is done to every image "
        "that the network is ever asked about."
    )
    if lesson.classify:
        ending = "The last layer answers with a number for each class."
    elif lesson.settings.loss == WITH_SPREAD:
        ending = (
            "It answers with two numbers for each value: the value, and the logarithm of how far "
            "off it may be (its standard deviation)."
        )
    else:
        ending = "It answers with the values."
    if 'name="units"' in lesson.network:
        ending += (
            " A network learns numbers around 0 best; the layer called units turns them into the "
            "unit of the values, by the mean and the spread of those in the training part."
        )
    return f"{text} {ending}"


def _changes(lesson: Lesson, classes: list[str], changes: list[str]) -> list[Section]:
    """The step that changes training images at random; none where nothing is changed."""
    if not changes:
        return []
    text = (
        "Layers in front of the network change each training image at random, anew in every "
        "epoch, and let all others pass as they are: so the network sees more images than there "
        "are, and learns what does not matter."
    )
    shape = value_code(lesson.image_shape)
    steps = "".join(f"        {layer},\n" for layer in changes)
    lines = [
        *(f"{code}\n" for code in classes),
        f"changes = keras.Sequential(\n    [\n{steps}    ]\n)",
        f"image = keras.Input({shape})",
    ]
    if lesson.side:
        lines.append(f"beside = keras.Input(({len(lesson.side)},))")
        lines.append("trainer = keras.Model([image, beside], network([changes(image), beside]))")
    else:
        lines.append("trainer = keras.Model(image, network(changes(image)))")
    return [Section("More images than there are", text, "\n".join(lines))]


def _training(lesson: Lesson) -> Section:
    settings = lesson.settings
    loss, loss_lines = loss_code(settings, lesson.outputs)
    optimizer, optimizer_lines = optimizer_code(settings)
    helpers = [*optimizer_lines, *loss_lines]
    needs_steps = "steps" in optimizer
    lines = [
        f"batch_size, epochs = {settings.batch_size}, {settings.epochs}",
        *(["steps = epochs * math.ceil(len(train_images) / batch_size)"] if needs_steps else []),
        *targets_code(settings, lesson.outputs, lesson.classify),
        *(f"\n\n{text.rstrip()}" for text in helpers),
        *(["", ""] if helpers else []),
        f"{lesson.trained}.compile(\n    optimizer={optimizer},\n    loss={loss},\n"
        f"    metrics=[{metric_code(settings, lesson.outputs)}],\n)",
    ]
    text = (
        "Training goes through all training images once in each epoch, in batches. After each "
        "batch, the optimizer moves every weight a little so that the loss becomes smaller; the "
        "learning rate says how far."
    )
    if settings.loss in MEANINGS:
        text += f" The loss is {MEANINGS[settings.loss]}, on average over the batch."
    return Section("How it learns", text, "\n".join(lines))


def _fit(lesson: Lesson) -> Section:
    settings = lesson.settings
    ends = "" if lesson.as_stored else "_targets"
    what = ends or f"_{lesson.what}"
    options = ""
    lines = []
    if settings.class_weights == "balanced":
        lines.append(class_weight_code())
        options += "    class_weight=class_weight,\n"
    if settings.patience is not None:
        early = f"patience={settings.patience}, restore_best_weights=True"
        options += f"    callbacks=[keras.callbacks.EarlyStopping({early})],\n"
    lines.append(
        f"history = {lesson.trained}.fit(\n    {lesson.inputs('train')},\n    train{what},\n"
        "    batch_size=batch_size,\n    epochs=epochs,\n"
        f"    validation_data=({lesson.inputs('validation')}, validation{what}),\n"
        f"{options}    verbose=2,\n)"
    )
    text = "Watch both losses: where only that of the training falls, the network learns by heart."
    if settings.patience is not None:
        text += (
            f" Training stops after {settings.patience} epochs without a lower validation loss, "
            "and goes back to the best."
        )
    return Section("Training", text, "\n".join(lines))


def _test(lesson: Lesson) -> Section:
    what = f"test_{lesson.what}" if lesson.as_stored else "test_targets"
    ask = f"answers = network.predict({lesson.inputs('test')}, batch_size=256, verbose=0)"
    loss = (
        f"loss = {lesson.trained}.evaluate("
        f'{lesson.inputs("test")}, {what}, verbose=0, return_dict=True)["loss"]'
    )
    scores = _scores_code(lesson.scores)
    if lesson.classify:
        code = class_scores_code(lesson.outputs, len(lesson.classes))
    else:
        with_spread = lesson.settings.loss == WITH_SPREAD
        code = value_scores_code(len(lesson.target_names), with_spread)
    text = (
        "Images that the network has never seen, asked about once. Beside each score stands that "
        "of the firstlight run. They differ by chance, as two trainings from different random "
        "numbers do."
    )
    return Section("The test", text, "\n".join([ask, loss, code, scores, SHOW]))


def _scores_code(scores: Mapping[str, float]) -> str:
    both = {name: score for name, score in scores.items() if name.split(" of ")[0] in SCORES}
    rows = "".join(f"    {value_code(name)}: {score:.6g},\n" for name, score in both.items())
    return f"of_the_run = {{\n{rows}}}"
