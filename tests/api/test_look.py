import numpy as np
import pytest
import yaml

import firstlight as fl
from firstlight.core.errors import SettingError


def test_load_mnist():
    data = fl.load("mnist")
    assert [len(images) for _, images in data.parts()] == [55000, 5000, 10000]
    assert data.train.images.dtype == np.uint8
    assert data.image_shape == (28, 28, 1)


def test_a_loaded_data_set_is_read_only_once(place):
    data = fl.load(place / "stripes.npz", seed=3)
    assert fl.load(data) is data
    with pytest.raises(SettingError, match="already loaded"):
        fl.load(data, size=12)


def test_explore_saves_figures_and_a_page(place, tmp_path):
    look = fl.explore(place / "stripes.npz", save=tmp_path / "look")
    assert look.files_read == 1
    there = {path.name for path in (tmp_path / "look").iterdir()}
    assert {"index.html", "sample.png", "balance.png", "pixels.png", "sheet.png"} <= there


def test_check_writes_the_mended_network(place, tmp_path):
    net = tmp_path / "net.yaml"
    net.write_text(
        "- Conv2D: {filters: 16, kernel_size: 5, activation: relu}\n"
        "- MaxPooling2D: {pool_size: 2}\n"
        "- Dense: {units: 10, activation: softmax}\n"
    )
    checkup = fl.check("mnist", model=str(net), fix=tmp_path / "mended.yaml")
    assert "Flatten() (2,304 numbers)" in checkup.errors[0].fix.sentence
    mended = yaml.safe_load((tmp_path / "mended.yaml").read_text())
    assert mended[2] == "Flatten"
    assert fl.check("mnist", model=str(tmp_path / "mended.yaml")).errors == ()


def test_models_count_for_the_data(place):
    parameters = {row["name"]: row["parameters"] for row in fl.list_models()}
    assert parameters["simple"] == 15_586
    other = {row["name"]: row["parameters"] for row in fl.list_models(place / "stripes.npz")}
    assert other["simple"] is None
    assert other["compact"] != parameters["compact"]


def test_doctor_sees_this_machine():
    environment = fl.doctor()
    assert environment.versions["torch"].startswith("2.13.0")
    assert environment.devices[0].kind == "cpu"


def test_every_public_name_is_there():
    assert sorted(fl.__all__) == dir(fl)
    for name in fl.__all__:
        assert getattr(fl, name).__doc__
