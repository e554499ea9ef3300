import numpy as np
import pytest
from PIL import Image

import firstlight as fl
from firstlight.core.errors import DataError, RunError

from .conftest import striped


def test_evaluate_repeats_the_report(run, place):
    again = fl.evaluate("first", runs=place / "runs")
    assert again.scores == run.report.scores
    np.testing.assert_array_equal(again.confusion, run.report.confusion)


def test_evaluate_other_data_matches_classes_by_name(run, place):
    images, labels = striped(60, seed=5)
    kept = labels != "bottom"
    np.savez(place / "others.npz", images=images[kept], labels=labels[kept])
    report = fl.evaluate(run.folder, place / "others.npz")
    assert report.count == kept.sum()
    assert report.scores["accuracy"].value > 0.9
    assert {row.name for row in report.per_class if row.count} == {"top", "middle"}


def test_evaluate_tells_that_images_were_trained_on(run, place):
    report = fl.evaluate("first", place / "stripes.npz", runs=place / "runs")
    assert report.notes[0].startswith("204 of these 240 images were used to train or validate")
    images, labels = striped(30, seed=8)
    np.savez(place / "fresh.npz", images=images, labels=labels)
    assert fl.evaluate("first", place / "fresh.npz", runs=place / "runs").notes == ()


def test_what_train_returned_can_be_asked(run, place):
    assert fl.evaluate(run).scores == run.report.scores
    assert len(fl.predict(run, place / "stripes.npz")) == 240
    with pytest.raises(RunError, match="but 1 came"):
        fl.compare([run, run])


def test_evaluate_refuses_classes_that_the_network_does_not_know(run, place):
    images, labels = striped(60, seed=5)
    np.savez(place / "foreign.npz", images=images, labels=np.char.add("x", labels))
    with pytest.raises(DataError, match="but the network knows bottom, middle, top"):
        fl.evaluate(run.folder, place / "foreign.npz")


def test_evaluate_refuses_another_type_of_pixels(run, place):
    images, labels = striped(60, seed=5)
    np.savez(place / "deep.npz", images=images.astype("uint16"), labels=labels)
    with pytest.raises(DataError, match=r"trained on uint8 images, but those in .* are uint16"):
        fl.evaluate(run.folder, place / "deep.npz")


def test_predict_answers_as_the_model_and_lists_what_it_cannot_read(run, place, tmp_path):
    images, labels = striped(5, seed=6)
    for number, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG no")
    found = fl.predict("first", [tmp_path], runs=place / "runs")
    theirs = run.model.predict(images[..., None], verbose=0)
    np.testing.assert_allclose(found.values, theirs, atol=1e-5)
    rows = found.rows()
    assert [row["class"] for row in rows] == labels.tolist()
    assert [row["probability"] for row in rows] == pytest.approx(theirs.max(1).tolist(), abs=1e-5)
    assert [refused.file.endswith("broken.png") for refused in found.refused] == [True]


def test_compare_names_the_settings_that_differ(run, place, settings, tmp_path):
    fl.train(place / "stripes.npz", runs=place / "runs", name="brief", **settings | {"epochs": 1})
    comparison = fl.compare(["first", "brief"], runs=place / "runs", save=tmp_path / "page")
    assert comparison.settings == {"epochs": {"first": 6, "brief": 1}}
    assert comparison.count == run.report.count
    one, other = (fl.evaluate(name, runs=place / "runs") for name in ("first", "brief"))
    change = other.scores["accuracy"].value - one.scores["accuracy"].value
    assert comparison.differences[0].change.value == pytest.approx(change)
    assert {path.name for path in (tmp_path / "page").iterdir()} == {"curves.png", "index.html"}


def test_one_run_cannot_be_compared(run, place):
    for alone in (["first"], "first", []):
        with pytest.raises(RunError, match="name two or more"):
            fl.compare(alone, runs=place / "runs")


def test_settings_for_reading_need_data(run, place):
    with pytest.raises(RunError, match="need DATA"):
        fl.evaluate("first", runs=place / "runs", size=3)
