import json
import os
import shlex
import signal
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import optimize
from scipy.special import logsumexp

import firstlight as fl
from firstlight.api.asking import as_tested, own_dataset
from firstlight.api.networks import networks_of
from firstlight.core.errors import ModelError, RunError, SettingError
from firstlight.models import import_keras
from firstlight.training.stopping import InterruptedRunError

from .conftest import striped, unfinish


def test_a_run_leaves_what_its_folder_promises(run):
    there = {path.name for path in run.folder.iterdir()}
    assert {
        "run.json",
        "events.jsonl",
        "checkpoints",
        "model.keras",
        "split.npz",
        "report.json",
        "report.html",
        "figures",
    } <= there
    information = json.loads((run.folder / "run.json").read_text())
    assert information["seed"] == 0
    assert information["data"]["classes"] == ["bottom", "middle", "top"]
    assert information["data"]["image_shape"] == [6, 8, 1]
    assert information["settings"]["epochs"] == 6
    assert set(information["versions"]) == {"firstlight", "keras", "torch", "numpy", "python"}
    assert information["machine"]["threads"] == 1


def test_events_tell_the_whole_story(run):
    kinds = [event["kind"] for event in run.files.events()]
    assert kinds[0] == "start"
    assert kinds[-1] == "end"
    assert kinds.count("epoch") == 6
    assert [event["epoch"] for event in run.history] == [1, 2, 3, 4, 5, 6]
    assert run.history[-1]["validation_accuracy"] > 0.9


def test_the_stored_split_covers_every_image_once(run, place):
    with np.load(run.files.split) as split:
        parts = [split[name] for name in ("train", "validation", "test")]
    assert sorted(np.concatenate(parts).tolist()) == list(range(240))


def test_the_model_is_plain_keras_and_answers_as_the_report_says(run, place):
    data = fl.load(place / "stripes.npz")
    answers = run.model.predict(data.test.images, verbose=0)
    np.testing.assert_allclose(answers, run.report.predictions.values, atol=1e-5)
    right = (answers.argmax(1) == data.test.targets).mean()
    assert run.report.scores["accuracy"].value == pytest.approx(right)


def test_validation_numbers_are_keras_own(run, place):
    data = fl.load(place / "stripes.npz")
    run.model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    loss, accuracy = run.model.evaluate(data.validation.images, data.validation.targets, verbose=0)
    assert run.history[-1]["validation_loss"] == pytest.approx(loss, rel=1e-4)
    assert run.history[-1]["validation_accuracy"] == pytest.approx(accuracy)


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.sources = []

    def handle_starttag(self, tag, attributes):
        self.sources += [value for name, value in attributes if name in ("src", "href")]


def test_the_report_page_loads_nothing(run):
    page = Links()
    page.feed((run.folder / "report.html").read_text())
    assert page.sources
    assert all(source.startswith(("data:", "#")) for source in page.sources)


def test_the_command_in_the_run_names_what_was_asked(run, place):
    words = shlex.split(run.information["command"])
    assert words[:2] == ["firstlight", "train"]
    assert words[2] == str(place / "stripes.npz")
    assert words[words.index("--epochs") + 1] == "6"


def test_a_loaded_data_set_trains_the_same_network(run, place, settings):
    data = fl.load(place / "stripes.npz")
    other = fl.train(data, runs=place / "runs", name="loaded", **settings)
    assert [event["loss"] for event in other.history] == [event["loss"] for event in run.history]


def test_a_stopped_run_is_resumed_to_the_same_end(run, place, settings):
    def stop(event):
        if event["kind"] == "epoch" and event["epoch"] == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(InterruptedRunError, match="go on with --resume stopped"):
        fl.train(
            place / "stripes.npz",
            runs=place / "runs",
            name="stopped",
            progress=stop,
            **settings,
        )
    with pytest.raises(RunError, match="no trained model yet"):
        fl.evaluate("stopped", runs=place / "runs")
    again = fl.resume("stopped", runs=place / "runs")
    assert [event["loss"] for event in again.history] == [event["loss"] for event in run.history]
    for one, other in zip(run.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_finished_run_resumes_to_itself(run, place):
    before, told = run.model.get_weights(), []
    again = fl.resume("first", runs=place / "runs", progress=told.append)
    assert [event["message"] for event in told] == ["run first is finished already"]
    for one, other in zip(before, again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_changed_data_are_not_trained_on(place, settings):
    with np.load(place / "stripes.npz") as arrays:
        images, labels = arrays["images"], arrays["labels"]
    np.savez(place / "changing.npz", images=images, labels=labels)
    settings = settings | {"epochs": 1}
    unfinish(fl.train(place / "changing.npz", runs=place / "runs", name="before", **settings))
    images[0, 0, 0] ^= 1
    np.savez(place / "changing.npz", images=images, labels=labels)
    for verb in (fl.resume, fl.evaluate):
        with pytest.raises(RunError, match=r"changing.npz have changed since run before"):
            verb("before", runs=place / "runs")


def test_the_doctor_stops_a_training_before_it_makes_a_folder(place):
    net = place / "unfinished.yaml"
    net.write_text("- Conv2D: {filters: 4, kernel_size: 3}\n- Dense: {units: outputs}\n")
    with pytest.raises(ModelError, match="Flatten"):
        fl.train(place / "stripes.npz", runs=place / "none", model=str(net))
    assert not (place / "none").exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"epoch": 3}, "no setting called epoch: did you mean epochs"),
        ({"optimizer": "adm"}, "--optimizer takes one of"),
        ({"augment": "twirl"}, "--augment takes"),
    ],
)
def test_wrong_settings_are_named_before_anything_happens(place, settings, wrong, words):
    with pytest.raises(SettingError, match=words):
        fl.train(place / "stripes.npz", runs=place / "none", **settings | wrong)
    assert not (place / "none").exists()


def test_measuring_a_number(place, settings):
    run = fl.train(
        place / "glow.npz",
        runs=place / "runs",
        target="brightness",
        **settings | {"model": str(place / "measuring.yaml"), "epochs": 30},
    )
    data = fl.load(place / "glow.npz", target="brightness")
    answers = run.model.predict(data.test.images, verbose=0)
    rmse = np.sqrt(((answers - data.test.targets) ** 2).mean())
    assert run.report.task == "measure"
    assert run.report.scores["rmse"].value == pytest.approx(rmse, rel=1e-3)
    assert run.report.scores["r2"].value > 0.5


OWN = """
import keras

class Doubled(keras.layers.Layer):
    def build(self, shape):
        self.factor = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, x):
        return 2 * x * self.factor

def make_model(num_classes, input_shape):
    layers = [keras.Input(input_shape), Doubled(), keras.layers.Flatten()]
    return keras.Sequential([*layers, keras.layers.Dense(num_classes, activation="softmax")])
"""


@pytest.fixture(scope="module")
def own(place, settings, tmp_path_factory):
    """A run whose network has a layer of the user's own, and the events it told."""
    source = tmp_path_factory.mktemp("code") / "own.py"
    source.write_text(OWN)
    told = []
    run = fl.train(
        place / "stripes.npz",
        runs=place / "runs",
        name="own",
        progress=told.append,
        **settings | {"model": f"{source}:make_model"},
    )
    return SimpleNamespace(run=run, source=source, told=told)


@pytest.mark.parametrize(
    "more", [{}, {"average": 0.9}, {"patience": 2, "epochs": 9}, {"ensemble": 2}]
)
def test_trust_is_learnt_from_what_the_finished_networks_answer(place, settings, more):
    """The answers of the last validation stand for them only where nothing changed since."""
    images, labels = striped(400, seed=3)
    wrong = np.random.default_rng(0).random(400) < 0.3
    np.savez(place / "wrong.npz", images=images, labels=np.where(wrong, labels[::-1], labels))
    how = settings | {"epochs": 3, "learning_rate": 0.05} | more
    run = fl.train(place / "wrong.npz", runs=place / "trust", **how)
    if "patience" in more:
        losses = [epoch["validation_loss"] for epoch in run.history]
        assert np.argmin(losses) < len(losses) - 1
    part = as_tested(own_dataset(run.files), "validation")
    networks = networks_of(run.files)
    assert networks.confidence.sets is not None
    plain = replace(networks, confidence=None).ask(part.images, part.names).values
    logits = np.log(np.maximum(plain, 1e-7, dtype="float64"))
    right = logits[np.arange(len(part)), part.targets]

    def cross_entropy(log_temperature):
        scaled = logits / np.exp(log_temperature)
        return (logsumexp(scaled, axis=1) - right / np.exp(log_temperature)).mean()

    best = optimize.minimize_scalar(cross_entropy, bounds=(-4.6, 4.6), method="bounded")
    found = networks.confidence.temperature
    expected = 1.0 if (plain.argmax(axis=1) == part.targets).all() else np.exp(best.x)
    assert found == pytest.approx(expected, rel=1e-2)
    tempered = np.exp(logits / found - logsumexp(logits / found, axis=1, keepdims=True))
    scores = np.sort(1 - tempered[np.arange(len(part)), part.targets])
    level, threshold = networks.confidence.sets.levels[0], networks.confidence.sets.thresholds[0]
    place_of = int(np.ceil((len(part) + 1) * level)) - 1
    assert threshold == pytest.approx(scores[min(place_of, len(part) - 1)], rel=1e-4, abs=1e-6)


def test_a_layer_of_ones_own_trains_and_resumes(own, place):
    (plan,) = [event for event in own.told if event["kind"] == "plan"]
    assert any("Doubled" in line for line in plan["warnings"])
    assert own.run.report.scores["accuracy"].value > 0.9
    factor = own.run.model.get_weights()[0]
    assert not np.allclose(factor, 1)
    unfinish(own.run)
    resumed = fl.resume("own", runs=place / "runs")
    np.testing.assert_array_equal(resumed.model.get_weights()[0], factor)


def test_code_is_run_for_a_model_only_where_it_is_trusted(own, place):
    with pytest.raises(ModelError, match="Doubled"):
        fl.evaluate("own", runs=place / "runs")
    report = fl.evaluate("own", runs=place / "runs", trust_code=own.source)
    assert report.scores == own.run.report.scores


def test_a_changed_file_is_not_run_on_resume(own, place):
    unfinish(own.run)
    own.source.write_text(OWN + "\nraise SystemExit('run')\n")
    with pytest.raises(RunError, match=r"own\.py is not the file that run own was trained with"):
        fl.resume("own", runs=place / "runs")
    own.source.write_text(OWN)


def test_a_file_that_came_with_the_run_is_never_run(own, place):
    unfinish(own.run)
    inside = own.run.folder / "own.py"
    inside.write_text(OWN)
    information = json.loads((own.run.folder / "run.json").read_text())
    changed = information["settings"] | {"model": f"{inside}:make_model"}
    (own.run.folder / "run.json").write_text(json.dumps(information | {"settings": changed}))
    with pytest.raises(RunError, match="came with the run"):
        fl.resume("own", runs=place / "runs")
    (own.run.folder / "run.json").write_text(json.dumps(information))


def test_a_changed_network_is_not_resumed(place, settings):
    net = place / "changing.yaml"
    net.write_text((place / "net.yaml").read_text())
    settings = settings | {"model": str(net), "epochs": 1}
    unfinish(fl.train(place / "stripes.npz", runs=place / "runs", name="changing", **settings))
    net.write_text(net.read_text().replace("relu", "tanh"))
    with pytest.raises(RunError, match="network of run changing has changed"):
        fl.resume("changing", runs=place / "runs")


def test_data_split_by_another_seed_are_found_again(place, settings):
    data = fl.load(place / "stripes.npz", seed=3)
    run = fl.train(data, runs=place / "runs", name="seeded", **settings | {"epochs": 1})
    assert fl.evaluate("seeded", runs=place / "runs").scores == run.report.scores


def test_regularisers_are_in_the_validation_loss_as_in_keras(place, settings):
    net = place / "decay.yaml"
    net.write_text(
        "- Flatten\n- Dense: {units: outputs, activation: softmax, kernel_regularizer: l2}\n"
    )
    run = fl.train(
        place / "stripes.npz",
        runs=place / "runs",
        **settings | {"model": str(net), "epochs": 1},
    )
    data = fl.load(place / "stripes.npz")
    run.model.compile(loss="sparse_categorical_crossentropy")
    theirs = run.model.evaluate(data.validation.images, data.validation.targets, verbose=0)
    assert run.history[0]["validation_loss"] == pytest.approx(theirs, rel=1e-4)


def test_the_report_has_the_loss_that_was_trained(place, settings):
    run = fl.train(
        place / "stripes.npz",
        runs=place / "runs",
        **settings | {"epochs": 1, "loss": "mean_absolute_error"},
    )
    data = fl.load(place / "stripes.npz")
    answers = run.model.predict(data.test.images, verbose=0)
    by_hand = np.abs(answers - np.eye(3)[data.test.targets]).mean()
    assert run.report.scores["loss"].value == pytest.approx(by_hand, rel=1e-4)


def test_a_preset_trains_as_it_says_and_shows_it(place, settings):
    told = []
    settings = {key: value for key, value in settings.items() if key != "epochs"}
    run = fl.train(
        place / "stripes.npz",
        runs=place / "runs",
        preset="good",
        augment="none",
        progress=told.append,
        **settings,
    )
    recorded = run.information["settings"]
    assert (recorded["preset"], recorded["augment"]) == ("good", "none")
    recipe = told[0]["lines"][2]
    assert recipe.endswith("categorical_crossentropy, labels smoothed by 0.1")
    data = fl.load(place / "stripes.npz")
    smoothed = import_keras().losses.CategoricalCrossentropy(label_smoothing=0.1)
    run.model.compile(loss=smoothed)
    for part, ours in (
        (data.validation, run.history[-1]["validation_loss"]),
        (data.test, run.report.scores["loss"].value),
    ):
        wanted = np.eye(3, dtype="float32")[part.targets]
        theirs = run.model.evaluate(part.images, wanted, verbose=0)
        assert ours == pytest.approx(theirs, rel=1e-4)


def test_threads_of_one_run_are_not_the_next_ones(place, settings):
    free = {key: value for key, value in settings.items() if key != "threads"} | {"epochs": 1}
    before = fl.train(place / "stripes.npz", runs=place / "runs", **free)
    fl.train(place / "stripes.npz", runs=place / "runs", **free, threads=1)
    after = fl.train(place / "stripes.npz", runs=place / "runs", **free)
    threads = [run.information["machine"]["threads"] for run in (before, after)]
    assert threads[0] == threads[1]


def test_two_classes_behind_one_sigmoid(place, settings):
    images, labels = striped(160, seed=2)
    kept = labels != "middle"
    np.savez(place / "two.npz", images=images[kept], labels=labels[kept])
    net = place / "sigmoid.yaml"
    net.write_text("- Flatten\n- Dense: {units: 1, activation: sigmoid}\n")
    settings = settings | {"model": str(net), "epochs": 20}
    run = fl.train(place / "two.npz", runs=place / "runs", name="two", **settings)
    assert run.information["settings"]["loss"] == "binary_crossentropy"
    data = fl.load(place / "two.npz")
    answers = run.model.predict(data.test.images, verbose=0)[:, 0]
    right = ((answers > 0.5) == data.test.targets).mean()
    assert run.report.scores["accuracy"].value == pytest.approx(right)
    assert right > 0.9
    np.testing.assert_allclose(run.report.predictions.values[:, 1], answers, atol=1e-5)


def test_values_of_any_size_are_measured(place, settings):
    with np.load(place / "glow.npz") as arrays:
        images, brightness = arrays["images"], arrays["brightness"]
    kelvin = 5000 + 100 * brightness
    np.savez(place / "kelvin.npz", images=images, temperature=kelvin)
    run = fl.train(
        place / "kelvin.npz",
        runs=place / "runs",
        target="temperature",
        **settings | {"model": str(place / "measuring.yaml"), "epochs": 30},
    )
    assert run.report.scores["r2"].value > 0.5
    assert abs(run.report.scores["bias"].value) < kelvin.std() / 2
