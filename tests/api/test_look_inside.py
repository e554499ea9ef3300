import numpy as np
import pytest
from PIL import Image

import firstlight as fl
from firstlight.core.errors import DataError, ModelError, RunError, SettingError
from firstlight.explain import layer_answers
from firstlight.models import import_keras

from .conftest import striped

keras = import_keras()


def weights_of(model):
    return [keras.ops.convert_to_numpy(weight.value) for weight in model.weights]


@pytest.fixture(scope="module")
def look(run, tmp_path_factory):
    return fl.look(run, 2, save=tmp_path_factory.mktemp("look"))


@pytest.fixture(scope="module")
def measuring(place):
    """A run that measures, with a number beside the image and a spread."""
    images, _ = striped()
    images = images.astype("float32")
    z = np.linspace(7, 9, len(images))
    glow = images.reshape(len(images), -1).mean(1) + z
    np.savez(place / "sky.npz", images=images, glow=glow, z=z)
    return fl.train(
        place / "sky.npz",
        runs=place / "runs",
        name="sky",
        target="glow",
        side=("z",),
        model="compact",
        loss="gaussian",
        epochs=2,
        threads=1,
    )


def test_the_answer_is_the_model_s_own(place, run, look):
    test = fl.load(place / "stripes.npz").test
    expected = run.model.predict(test.images[2:3].astype("float32"), verbose=0)[0]
    np.testing.assert_allclose(list(look.answers.values()), expected, rtol=1e-4, atol=1e-6)
    assert list(look.answers) == ["bottom", "middle", "top"]
    assert look.true == list(look.answers)[test.targets[2]]
    np.testing.assert_array_equal(look.image, test.images[2])
    np.testing.assert_allclose(look.softmax.probabilities, expected, rtol=1e-4, atol=1e-6)
    assert look.of == max(look.answers, key=look.answers.get)


def test_everything_is_opened(look, run):
    assert [layer.kind for layer in look.layers] == ["Rescaling", "Conv2D", "Flatten", "Dense"]
    assert [found.method for found in look.saliency] == ["grad_cam", "integrated_gradients"]
    assert all(len(found.check.correlations) == 5 for found in look.saliency)
    loss, accuracy = look.numbers
    true = look.answers[look.true]
    assert loss.value == pytest.approx(-np.log(true), rel=1e-3, abs=1e-6)
    assert accuracy.value == run.report.scores["accuracy"].value
    assert sum(layer.count for layer in look.parameters) == run.model.count_params()
    assert look.kernel.layer == look.filters[0].layer


def test_the_filters_of_each_epoch_that_is_kept(look, run):
    assert [epoch for epoch, _ in look.evolution] == [0, 1, 2, 3, 4, 6]
    np.testing.assert_array_equal(look.evolution[-1][1].weights, look.filters[0].weights)
    assert not np.allclose(look.evolution[0][1].weights, look.filters[0].weights)


def test_a_network_as_it_was_after_an_epoch(run, look):
    now, then = fl.inside(run), fl.inside(run, epoch=6)
    for ours, theirs in zip(weights_of(now.model), weights_of(then.model), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    before = layer_answers(fl.inside(run, epoch=0), look.image)[-1].values
    assert before.argmax() != look.layers[-1].values.argmax() or before.max() < 0.9
    with pytest.raises(RunError, match="keeps the weights of 0, 1, 2, 3, 4, 6, but epoch 5 came"):
        fl.inside(run, epoch=5)


def test_an_image_from_a_file(place, run, look, tmp_path):
    Image.fromarray(look.image[..., 0]).save(tmp_path / "stripe.png")
    other = fl.look(run, tmp_path / "stripe.png", of="top", filter=1, position=(0, 3))
    assert other.answers == pytest.approx(look.answers)
    assert other.true is None
    assert [number.name for number in other.numbers] == ["accuracy"]
    assert other.saliency[0].output == list(look.answers).index("top")
    work = other.kernel
    assert (work.filter, work.row, work.column) == (1, 0, 3)


def test_a_page_and_its_figures_are_saved(run, tmp_path):
    fl.look(run, save=tmp_path / "inside")
    there = {path.name for path in (tmp_path / "inside").iterdir()}
    figures = {"kernel.png", "filters.png", "evolution.png", "saliency.png"}
    assert there == figures | {"index.html"}


def test_what_is_not_there_is_said(run):
    with pytest.raises(DataError, match="the test images are 0 to 35, but 99 came"):
        fl.look(run, 99)
    with pytest.raises(SettingError, match="--of takes one of bottom, middle, top, but left came"):
        fl.look(run, of="left")
    with pytest.raises(ModelError, match="no layer called conv9"):
        fl.look(run, layer="conv9")
    with pytest.raises(DataError, match="no file"):
        fl.look(run, "nothing.png")
    with pytest.raises(RunError, match="leave --side out"):
        fl.look(run, 0, side={"z": 8})


def test_measured_numbers_with_a_number_beside(measuring, place, tmp_path):
    look = fl.look(measuring, 1, save=tmp_path)
    test = fl.load(place / "sky.npz", target="glow", side=("z",)).test
    answers = measuring.model.predict([test.images[1:2], test.side[1:2]], verbose=0)[0]
    assert look.answers["glow"] == pytest.approx(answers[0], rel=1e-4)
    assert look.task == "measure"
    assert look.true == pytest.approx({"glow": test.targets[1, 0]})
    loss, error = look.numbers
    distance = (test.targets[1, 0] - answers[0]) / np.exp(answers[1])
    expected = distance**2 / 2 + answers[1] + np.log(2 * np.pi) / 2
    assert loss.value == pytest.approx(expected, rel=1e-3)
    assert error.value == pytest.approx(measuring.report.scores["rmse"].value, rel=1e-5)
    assert look.softmax is None
    gradients = look.saliency[-1]
    total = np.abs(gradients.values).sum()
    assert abs(gradients.values.sum() - gradients.difference) <= 0.006 * total
    assert "glow = " in look.headline()
    # The same image from a file needs the number beside it.
    np.save(tmp_path / "map.npy", test.images[1:2])
    z = float(test.side[1, 0])
    other = fl.look(measuring, tmp_path / "map.npy", side={"z": z})
    assert other.answers == pytest.approx(look.answers, rel=1e-5)
    with pytest.raises(RunError, match=r"give it \(--side z=NUMBER on the command line\)"):
        fl.look(measuring, tmp_path / "map.npy")


def test_runs_inside_of_a_run_keep_no_snapshots(place, settings):
    both = fl.train(
        place / "stripes.npz",
        runs=place / "runs",
        name="both",
        ensemble=2,
        **(settings | {"epochs": 1}),
    )
    assert sorted(path.name for path in both.files.snapshots.iterdir()) == [
        "epoch-000000.npz",
        "epoch-000001.npz",
    ]
    assert not both.files.members()[0].snapshots.exists()
    assert "2 networks that answer together" in fl.look(both).notes[0]


def test_averaged_weights_are_kept_as_they_answer(place, settings):
    run = fl.train(
        place / "stripes.npz",
        runs=place / "runs",
        name="average",
        **(settings | {"epochs": 2, "average": 0.9}),
    )
    last = weights_of(fl.inside(run, epoch=2).model)
    for ours, theirs in zip(last, weights_of(run.model), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
