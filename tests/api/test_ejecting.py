"""Runs as programs of their own: they run where there is no firstlight, and come out alike."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest

import firstlight as fl
from firstlight.api import ejecting
from firstlight.core.errors import (
    DataError,
    MissingExtraError,
    ModelError,
    RunError,
    SettingError,
    TrainingError,
)
from firstlight.deliver import calls_in_order
from firstlight.models import import_keras
from firstlight.models.graph import graph_of

from .conftest import striped
from .test_exporting import OWN_NET

keras = import_keras()
# Runs a script in a process in which nothing called firstlight can be imported.
ALONE = """
import runpy, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "firstlight":
            raise ImportError("blocked")

sys.meta_path.insert(0, Blocked())
names = runpy.run_path(sys.argv[1], run_name="__main__")
assert not any(name.partition(".")[0] == "firstlight" for name in sys.modules)
"""


def run_alone(path):
    """What a script prints, run in its own folder without firstlight."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment |= {"OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
    command = [sys.executable, "-c", ALONE, path.name]
    done = subprocess.run(
        command, cwd=path.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def scores_in(text):
    """Scores that a program has printed: its own, and those of the run."""
    rows = re.findall(r"^(\S.*?) +(\S+)   firstlight: +(\S+)$", text, re.MULTILINE)
    return {name: (float(own), float(theirs)) for name, own, theirs in rows}


@pytest.mark.slow
def test_a_script_reaches_the_runs_accuracy_without_firstlight(run, place, tmp_path):
    made = fl.eject(run, tmp_path / "script.py")
    assert made.files == (str(tmp_path / "script.py"), str(tmp_path / "script-data.npz"))
    assert made.difference <= 1e-6
    printed = run_alone(tmp_path / "script.py")
    own, theirs = scores_in(printed)["accuracy"]
    assert theirs == pytest.approx(run.report.scores["accuracy"].value, abs=1e-4)
    # 36 test images whose classes are plain to see: one of them more or less is chance.
    assert theirs > 0.9
    assert abs(own - theirs) <= 1.5 / 36
    network = keras.saving.load_model(tmp_path / "script.keras", compile=False)
    answers = keras.ops.convert_to_numpy(network(fl.load(place / "stripes.npz").test.images))
    right = (answers.argmax(1) == fl.load(place / "stripes.npz").test.targets).mean()
    assert own == pytest.approx(right, abs=1e-4)


def test_the_data_are_the_runs_own_divided_as_they_were(run, place, tmp_path):
    fl.eject(run, tmp_path / "script.py")
    dataset = fl.load(place / "stripes.npz")
    with np.load(tmp_path / "script-data.npz", allow_pickle=False) as arrays:
        assert len(arrays.files) == 6
        for part, images in dataset.parts():
            np.testing.assert_array_equal(arrays[f"{part}_images"], images.images)
            np.testing.assert_array_equal(arrays[f"{part}_labels"], images.targets)
            assert arrays[f"{part}_images"].dtype == np.uint8


def network_in(path):
    """The network that the program's own lines build."""
    text = path.read_text()
    start, stop = text.index("\n", text.index("# %% The network")), text.index("network.summary()")
    names = {"keras": keras, "layers": keras.layers}
    exec(text[start:stop], names)
    return names["network"]


def test_the_network_of_the_program_is_that_of_the_run(place, settings, tmp_path):
    (tmp_path / "net.py").write_text(OWN_NET)
    own = settings | {"model": f"{tmp_path / 'net.py'}:make_model", "epochs": 1}
    run = fl.train(place / "stripes.npz", runs=tmp_path, name="own", **own)
    fl.eject(run, tmp_path / "script.py")
    ours, theirs = run.model, network_in(tmp_path / "script.py")
    layers = []
    for model in (ours, theirs):
        graph = graph_of(model)
        calls = [graph.calls[number].layer for number in calls_in_order(graph)]
        layers.append([layer for layer in calls if layer is not None])
    for one, other in zip(*layers, strict=True):
        configs = [layer.get_config() for layer in (one, other)]
        assert [config.pop("name") for config in configs]
        assert configs[0] == configs[1]
        if hasattr(one, "weights"):
            other.set_weights(one.get_weights())
    images = striped(20, seed=4)[0][..., None].astype("float32")
    answers = [keras.ops.convert_to_numpy(model(images)) for model in (ours, theirs)]
    # The same layers in the same order: the same sums.
    np.testing.assert_allclose(answers[0], answers[1], rtol=1e-6)


MANY = {
    "augment": "shift:1,flip:both,turn,zoom:0.05,noise:0.01",
    "schedule": "one-cycle",
    "optimizer": "adamw",
    "weight_decay": 0.001,
    "class_weights": "balanced",
    "label_smoothing": 0.05,
    "patience": 5,
    "average": 0.5,
}


@pytest.mark.slow
def test_a_run_with_everything(place, settings, tmp_path):
    # Two of three classes have to be told apart by the row that is bright, whatever is flipped.
    images, labels = striped(200)
    labels = np.where(labels == "middle", "middle", "edge")
    np.savez(tmp_path / "edges.npz", images=images, labels=labels)
    many = settings | MANY
    run = fl.train(tmp_path / "edges.npz", runs=tmp_path, name="many", **many)
    made = fl.eject(run, tmp_path / "script.py")
    assert any("running average" in note for note in made.notes)
    own, theirs = scores_in(run_alone(tmp_path / "script.py"))["accuracy"]
    assert min(own, theirs) > 0.85


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["mean_squared_error", "gaussian"])
def test_values_with_numbers_beside_the_image(place, loss, tmp_path):
    images, _ = striped(200)
    z = np.arange(200.0) % 7
    brightness = images.reshape(len(images), -1).mean(1) + 3 * z
    np.savez(tmp_path / "glow.npz", images=images, brightness=brightness, z=z)
    run = fl.train(
        *(tmp_path / "glow.npz",),
        model=str(place / "measuring.yaml"),
        target="brightness",
        side="z",
        loss=loss,
        metric="mae",
        augment="flip",
        epochs=8,
        batch_size=8,
        learning_rate=0.003,
        threads=1,
        runs=tmp_path,
        name="glow",
    )
    fl.eject(run, tmp_path / "script.py")
    scores = scores_in(run_alone(tmp_path / "script.py"))
    assert set(scores) == {"loss", "rmse", "mae", "bias", "r2"}
    assert min(scores["r2"]) > 0.8
    assert run.report.scores["rmse"].value == pytest.approx(scores["rmse"][1], abs=1e-4)


@pytest.mark.slow
def test_a_notebook_is_run_and_holds_no_firstlight(run, tmp_path):
    made = fl.eject(run, tmp_path / "notebook.ipynb")
    assert [Path(file).name for file in made.files] == [
        "notebook.ipynb",
        "notebook-data.npz",
        "notebook.keras",
    ]
    notebook = nbformat.read(tmp_path / "notebook.ipynb", as_version=4)
    nbformat.validate(notebook)
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in codes] == list(range(1, len(codes) + 1))
    assert not any(
        "firstlight" in line for cell in codes for line in re.findall("import .*", cell.source)
    )
    printed = "".join(output.get("text", "") for cell in codes for output in cell.outputs)
    own, theirs = scores_in(printed)["accuracy"]
    assert abs(own - theirs) <= 1.5 / 36
    assert made.scores == scores_in(printed)
    assert f"it reaches accuracy {own:.4g}; the run has {theirs:.4g}." in made.checked()[1]
    # Paths and names of this machine stay here.
    assert str(tmp_path) not in (tmp_path / "notebook.ipynb").read_text()


def test_a_notebook_that_is_not_run(run, tmp_path):
    made = fl.eject(run, tmp_path / "notebook.ipynb", executed=False)
    assert len(made.files) == 2
    notebook = nbformat.read(tmp_path / "notebook.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)
    fl.eject(run, tmp_path / "script.py")
    script = (tmp_path / "script.py").read_text().replace("script", "notebook")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.source in script


def test_odd_names_stay_names(place, settings, tmp_path):
    images, labels = striped(60)
    names = np.array(['a"""b', "c\\", "d\n1 / 0\n{e}"])[np.unique(labels, return_inverse=True)[1]]
    np.savez(tmp_path / "odd.npz", images=images, labels=names)
    run = fl.train(tmp_path / "odd.npz", runs=tmp_path, name="odd", **settings | {"epochs": 1})
    fl.eject(run, tmp_path / 'an """odd\\ name\n.py')
    tree = ast.parse((tmp_path / 'an """odd\\ name\n.py').read_text())
    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "classes"
    }
    assert values["classes"] == run.information["data"]["classes"]
    (read,) = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.load"
    ]
    assert ast.literal_eval(read.args[0]) == 'an """odd\\ name\n-data.npz'


def test_a_run_from_a_stranger_puts_no_code_into_the_program(run, tmp_path):
    shutil.copytree(run.folder, tmp_path / "first")
    file = tmp_path / "first" / "run.json"
    hostile = "6)); boom\nboom = ((1"
    information = json.loads(file.read_text())
    information["data"] |= {"image_shape": [hostile, 8, 1], "classes": [hostile], "task": hostile}
    information["machine"]["precision"] = hostile
    information["settings"]["augment"] = "shift:1"
    file.write_text(json.dumps(information))
    fl.eject(tmp_path / "first", tmp_path / "script.py")
    tree = ast.parse((tmp_path / "script.py").read_text())
    names = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    assert "boom" not in names
    # What is trained and tested has the changes to images in front of it.
    asked = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    by_trainer = {node.attr for node in asked if ast.unparse(node.value) == "trainer"}
    assert by_trainer == {"compile", "fit", "evaluate"}
    information["settings"]["epochs"] = hostile
    file.write_text(json.dumps(information))
    with pytest.raises(SettingError, match="--epochs takes a number"):
        fl.eject(tmp_path / "first", tmp_path / "other.py")


def test_what_fails_leaves_nothing_behind(run, tmp_path, monkeypatch):
    network = ejecting._lesson

    def broken(*arguments):
        import dataclasses

        lesson = network(*arguments)
        return dataclasses.replace(lesson, network=lesson.network.replace('"softmax"', '"tanh"'))

    with monkeypatch.context() as patch:
        patch.setattr(ejecting, "_lesson", broken)
        with pytest.raises(ModelError, match=r"script\.py is not written: it answers otherwise"):
            fl.eject(run, tmp_path / "script.py")

    def failing(lesson):
        from firstlight.deliver.sections import Section

        return "Title", "About.", (Section("One", "Fails.", "1 / 0"),), ()

    with monkeypatch.context() as patch:
        patch.setattr("firstlight.deliver.program.program_of", failing)
        with pytest.raises(TrainingError, match=r"a cell of it failed \(ZeroDivisionError"):
            fl.eject(run, tmp_path / "notebook.ipynb")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "nbclient", None)
        with pytest.raises(MissingExtraError, match=r'pip install "firstlight\[notebook\]"'):
            fl.eject(run, tmp_path / "notebook.ipynb")
    assert list(tmp_path.iterdir()) == []


def test_what_is_asked_for_wrongly(run, place, settings, tmp_path):
    with pytest.raises(SettingError, match=r"ending in \.py or \.ipynb was expected"):
        fl.eject(run, tmp_path / "script.txt")
    (tmp_path / "script-data.npz").write_text("mine")
    with pytest.raises(SettingError, match=r"script-data\.npz exists already"):
        fl.eject(run, tmp_path / "script.py")
    with pytest.raises(RunError, match="no run called nobody"):
        fl.eject("nobody", tmp_path / "other.py", runs=place / "runs")
    killed = fl.train(place / "stripes.npz", runs=tmp_path, name="killed", **settings)
    killed.files.model.unlink()
    for take in (fl.eject, fl.export):
        with pytest.raises(RunError, match="killed has no trained model yet"):
            take(killed, *([tmp_path / "other.py"] if take is fl.eject else []))
    many = settings | {"epochs": 1, "memory": "1MB", "shards": str(tmp_path / "shards")}
    stored = fl.train(place / "stripes.npz", runs=tmp_path, name="stored", **many)
    with pytest.raises(DataError, match="more than the memory takes"):
        fl.eject(stored, tmp_path / "other.py")
