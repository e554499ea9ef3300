"""The pieces of an ejected program against firstlight's own training, and against NumPy."""

import math

import numpy as np
import pytest
import torch

from firstlight.core.errors import SettingError
from firstlight.core.losses import LOSSES
from firstlight.core.reports import Predictions
from firstlight.core.settings import OPTIMIZERS, SCHEDULES, TrainSettings
from firstlight.deliver.augmentation_code import augmentation_code
from firstlight.deliver.scores_code import class_scores_code, value_scores_code
from firstlight.deliver.sections import Section, notebook_of, script_text
from firstlight.deliver.training_code import (
    SMOOTHED,
    class_weight_code,
    loss_code,
    metric_code,
    optimizer_code,
    targets_code,
)
from firstlight.evaluation import evaluate
from firstlight.models import import_keras
from firstlight.training import Augmentation
from firstlight.training.class_weights import class_weights
from firstlight.training.losses import make_loss
from firstlight.training.optimizers.by_name import KINDS
from firstlight.training.schedules import learning_rate

keras = import_keras()
ops = keras.ops


def run(code, **names):
    namespace = {"keras": keras, "layers": keras.layers, "np": np, "math": math, **names}
    exec("\n".join(code) if isinstance(code, list) else code, namespace)
    return namespace


OF_CLASSES = [name for name, use in LOSSES.items() if "classify" in use.tasks]


@pytest.mark.parametrize(
    ("name", "smoothing"), [*((n, None) for n in OF_CLASSES), *((n, 0.2) for n in SMOOTHED)]
)
def test_losses_of_classes(name, smoothing):
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 20)
    answers = random.dirichlet(np.ones(3), 20).astype("float32")
    single = "binary" in name
    if single:
        labels, answers = np.minimum(labels, 1), answers[:, :1]
    settings = TrainSettings(loss=name, label_smoothing=smoothing)
    ours = make_loss(name, "linear", answers.shape[1], True, smoothing)
    expected = float(ours(torch.from_numpy(answers), torch.from_numpy(labels)))
    code, needed = loss_code(settings, answers.shape[1])
    parts = {f"{p}_labels": labels for p in ("train", "validation", "test")}
    lines = targets_code(settings, answers.shape[1], True)
    made = run([*needed, *lines, f"loss = {code}"], **parts)
    targets = made["train_targets"] if lines else labels
    model = keras.Sequential([keras.Input(answers.shape[1:]), keras.layers.Identity()])
    model.compile(loss=made["loss"])
    assert model.evaluate(answers, targets, verbose=0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", [name for name in OF_CLASSES if name not in SMOOTHED])
def test_no_other_loss_is_smoothed(name):
    with pytest.raises(SettingError):
        make_loss(name, "linear", 3, True, 0.2)


@pytest.mark.parametrize("name", [n for n, use in LOSSES.items() if "measure" in use.tasks])
def test_losses_of_values_and_their_gradients(name):
    random = np.random.default_rng(1)
    targets = random.uniform(0.5, 2, (8, 2)).astype("float32")
    width = 4 if name == "gaussian" else 2
    answers = torch.tensor(random.uniform(0.5, 2, (8, width)), dtype=torch.float32)
    ours, theirs = (answers.clone().requires_grad_() for _ in range(2))
    expected = make_loss(name, "linear", width, False)(ours, torch.from_numpy(targets))
    code, needed = loss_code(TrainSettings(loss=name), width)
    made = run([*needed, f"loss = keras.losses.get({code})"])
    value = ops.mean(made["loss"](torch.from_numpy(targets), theirs))
    assert value.item() == pytest.approx(expected.item(), rel=1e-5)
    expected.backward()
    value.backward()
    np.testing.assert_allclose(theirs.grad, ours.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_learning_rates_of_every_step(schedule, tmp_path):
    settings = TrainSettings(optimizer="adam", learning_rate=0.02, schedule=schedule)
    code, needed = optimizer_code(settings)
    optimizer = run([*needed, f"made = {code}"], steps=23)["made"]
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer, "mse")
    for step in range(23):
        wanted = learning_rate(schedule, 0.02, step, 23)
        assert float(optimizer.learning_rate) == pytest.approx(wanted, rel=1e-5, abs=1e-9)
        model.train_on_batch(np.ones((1, 1)), np.ones((1, 1)))
    # As the program's last line does: the compiled model, its schedule with it.
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_are_keras_own(name):
    momentum = {"momentum": 0.4} if name in ("sgd", "rmsprop", "muon") else {}
    settings = TrainSettings(
        optimizer=name, learning_rate=0.01, weight_decay=0.003, average=0.9, **momentum
    )
    made = run(f"made = {optimizer_code(settings)[0]}")["made"]
    assert type(made).__name__.lower() == name
    assert type(made).__name__ == KINDS[name].__name__
    config = made.get_config()
    wanted = {"weight_decay": 0.003, "use_ema": True, "ema_momentum": 0.9, **momentum}
    assert {key: config[key] for key in wanted} == wanted
    assert config["learning_rate"] == pytest.approx(0.01)


def test_metrics_of_either_form_of_targets():
    assert metric_code(TrainSettings(metric="rmse", loss="huber"), 1) == (
        "keras.metrics.RootMeanSquaredError()"
    )
    top = TrainSettings(metric="top_5", loss="categorical_crossentropy")
    assert metric_code(top, 10) == "keras.metrics.SparseTopKCategoricalAccuracy(5)"
    top = TrainSettings(metric="top_5", loss="hinge")
    assert metric_code(top, 10) == "keras.metrics.TopKCategoricalAccuracy(5)"
    assert metric_code(TrainSettings(metric="rmse", loss="gaussian"), 2) == ""
    for name in ("mae", "mse", "mape", "r2", "accuracy", "f1"):
        run(f"keras.metrics.get({metric_code(TrainSettings(metric=name, loss='huber'), 1)})")


def test_class_weights_count_rare_classes_as_much():
    labels = np.array([0, 0, 0, 2, 2, 3])
    made = run(class_weight_code(), train_labels=labels)["class_weight"]
    ours = class_weights("balanced", labels)
    assert made == pytest.approx({k: ours[k] for k in (0, 2, 3)}, rel=1e-6)


def changed(change, images, count):
    """What the layers make of copies of one image, and firstlight's own change."""
    from firstlight.training.augmenting import augment

    classes, made, _ = augmentation_code(change, images.shape[1:], 255.0)
    steps = run([*classes, f"steps = [{', '.join(made)}]"])["steps"]
    x = np.repeat(images, count, 0).astype("float32")
    theirs = x
    for layer in steps:
        theirs = layer(theirs, training=True)
    ours = augment(torch.from_numpy(x), change, torch.Generator().manual_seed(0), 255.0)
    for layer in steps:
        np.testing.assert_array_equal(ops.convert_to_numpy(layer(x, training=False)), x)
    return ops.convert_to_numpy(theirs), ours.numpy()


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("shift:1", (5, 4)),
        ("shift:2,flip", (5, 6)),
        ("flip:both", (3, 4)),
        ("turn", (4, 4)),
        ("turn", (3, 4)),
        ("roll", (3, 4)),
        ("turn,flip:both,roll", (3, 3)),
    ],
)
def test_whole_pixels_move_as_often_and_as_far(text, shape):
    keras.utils.set_random_seed(0)
    image = np.arange(1, 1 + 2 * math.prod(shape), dtype="float32").reshape(1, *shape, 2)
    theirs, ours = changed(Augmentation.parse(text), image, 6000)

    def shares(images):
        found, counts = np.unique(images.reshape(len(images), -1), axis=0, return_counts=True)
        return {tuple(row): count / len(images) for row, count in zip(found, counts, strict=True)}

    theirs, ours = shares(theirs), shares(ours)
    # The very same pictures come out, each as often: within five standard deviations.
    assert theirs.keys() == ours.keys()
    for key, share in ours.items():
        assert abs(share - theirs[key]) < 5 * math.sqrt(2 * share / 6000)


@pytest.mark.parametrize("text", ["rotate:30", "zoom:0.3", "noise:0.1", "roll,rotate:20"])
def test_other_changes_scatter_pixels_as_far(text):
    keras.utils.set_random_seed(0)
    rows, columns = np.mgrid[0:9, 0:9]
    image = (100 + 20 * np.sin(rows / 1.5) + 30 * np.cos(columns / 2.0)).astype("float32")
    theirs, ours = changed(Augmentation.parse(text), image[None, :, :, None], 4000)
    np.testing.assert_allclose(theirs.mean(0), ours.mean(0), atol=4)
    np.testing.assert_allclose(theirs.std(0), ours.std(0), atol=4)
    assert ours.std(0).max() > 6


def test_what_is_not_alike_is_said():
    _, made, notes = augmentation_code(Augmentation.parse("zoom:0.1,rotate:5"), (8, 8, 1), 1.0)
    assert made[0] == 'layers.RandomRotation(5.0 / 360, fill_mode="nearest")'
    assert len(notes) == 2
    _, _, notes = augmentation_code(Augmentation.parse("shift:1,flip:both,turn"), (8, 8, 3), 1.0)
    assert notes == []


def test_noise_of_each_channel():
    classes, made, _ = augmentation_code(Augmentation(noise=0.5), (4, 4, 2), [2.0, 60.0])
    assert made == ["RandomNoise([1.0, 30.0])"]
    layer = run([*classes, f"layer = {made[0]}"])["layer"]
    noisy = ops.convert_to_numpy(layer(np.zeros((2000, 4, 4, 2), "float32"), training=True))
    # 32,000 numbers: their standard deviation is known to 0.4 %.
    np.testing.assert_allclose(noisy.std((0, 1, 2)), [1.0, 30.0], rtol=0.02)


@pytest.mark.parametrize("classes", [2, 6])
def test_scores_of_classes(classes, capsys):
    random = np.random.default_rng(2)
    answers = random.dirichlet(np.ones(classes), 50).astype("float32")
    labels = random.integers(0, classes, 50)
    names = tuple("abcdef"[:classes])
    predictions = Predictions(np.arange(50).astype(str), answers, "classify", names)
    report = evaluate(predictions, labels, "test")
    outputs = 1 if classes == 2 else classes
    made = run(
        class_scores_code(outputs, classes),
        answers=answers[:, -1:] if outputs == 1 else answers,
        test_labels=labels,
        classes=list(names),
        loss=0.5,
    )["scores"]
    wanted = {name: score.value for name, score in report.scores.items()} | {"loss": 0.5}
    assert made == pytest.approx(wanted)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    for words, row in zip(lines, report.per_class, strict=True):
        assert words == [row.name, str(row.count), f"{row.precision:.3f}", f"{row.recall:.3f}"]


@pytest.mark.parametrize("targets", [1, 2])
def test_scores_of_values(targets):
    random = np.random.default_rng(3)
    true = random.normal(5, 2, (40, targets)).astype("float32")
    values = (true + random.normal(0.3, 1, true.shape)).astype("float32")
    names = ("mass", "size")[:targets]
    predictions = Predictions(
        np.arange(40).astype(str), values, "measure", target_names=names, target_units=("",) * 2
    )
    report = evaluate(predictions, true, "test")
    for with_spread in (False, True):
        answers = np.concatenate([values, 0 * values], 1) if with_spread else values
        made = run(
            value_scores_code(targets, with_spread),
            answers=answers,
            test_values=true,
            targets=list(names),
            loss=0.5,
        )["scores"]
        wanted = {name: score.value for name, score in report.scores.items()} | {"loss": 0.5}
        assert made == pytest.approx(wanted, rel=1e-4)


def test_a_script_and_a_notebook_say_the_same():
    sections = [Section("One", "Text.\n\nMore.", "a = 1"), Section("Two", "Text.", "print(a)")]
    script = script_text('The "title"\\', "About.", sections)
    names = {}
    exec(script, names)
    assert names["__doc__"] == "The 'title'\\.\n\nAbout.\n"
    cells = notebook_of("The title", "About.", sections).cells
    assert [cell.source for cell in cells if cell.cell_type == "code"] == ["a = 1", "print(a)"]
    assert cells[1].source == "## One\n\nText.\n\nMore."
    assert "# Text.\n#\n# More.\n\na = 1\n" in script
