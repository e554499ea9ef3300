"""The network in the lab: changed by pages, kept, and trained as it stands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from lab_client import LabProcess, Tab


def build(tab: Tab, kind: str, **values: Any) -> dict[str, Any]:
    """Change the network; the network that is told then."""
    answer = tab.ask("build", change={"kind": kind, **values})
    assert answer["kind"] == "done", answer
    return last(tab)["network"]


def last(tab: Tab) -> dict[str, Any]:
    """The last that was told about the network."""
    return next(news for news in reversed(tab.news) if news["kind"] == "network")


def rows(network: dict[str, Any]) -> list[str]:
    return [row["layer"] for row in network["rows"]]


@pytest.fixture
def tab(start_lab: Callable[..., Any], tmp_path: Path) -> Any:
    with start_lab(tmp_path) as lab:
        lab.sign_in()
        with lab.tab() as one:
            yield one


def test_a_network_is_built_step_by_step(tab: Tab) -> None:
    network = tab.snapshot["network"]
    assert (network["recipe"], network["own"], network["ready"]) == ("compact", False, True)
    network = build(tab, "recipe", recipe="intermediate")
    assert rows(network) == ["Conv2D", "MaxPooling2D", "Flatten", "Dense"]
    # By hand: 16 kernels of 5x5 and biases, then 12*12*16 numbers to 10 answers.
    assert network["parameters"] == (5 * 5 + 1) * 16 + (12 * 12 * 16 + 1) * 10
    keys = [row["key"] for row in network["rows"]]
    network = build(tab, "remove", key=keys[2])
    assert network["own"]
    (problem,) = network["rows"][2]["problems"]
    assert problem["sentence"] == (
        "The network makes 12x12x10 answers where each image has one label."
    )
    assert (problem["button"], network["ready"]) == ("Add Flatten here", False)
    refused = tab.ask("start", revision=last(tab)["revision"])
    assert refused["sentence"] == "There are no data to train on: choose some in the step Data."
    network = build(tab, "mend", key=keys[3], code=problem["code"])
    assert rows(network) == ["Conv2D", "MaxPooling2D", "Flatten", "Dense"]
    assert not network["own"]
    network = build(tab, "argument", key=keys[0], name="filters", value="1x")
    (problem,) = network["rows"][0]["problems"]
    assert (problem["button"], network["rows"][0]["makes"]) == ("Set filters to 16", None)
    network = build(tab, "argument", key=keys[0], name="filters", value="4")
    assert network["rows"][0]["makes"] == [24, 24, 4]
    network = build(tab, "move", key=keys[1], index=0)
    assert rows(network)[:2] == ["MaxPooling2D", "Conv2D"]
    network = build(tab, "add", layer="Dropout", index=2)
    assert yaml.safe_load(network["yaml"])[2] == {"Dropout": {"rate": 0.25}}
    assert "layers.Dropout(0.25)," in network["code"]
    for _ in range(3):
        network = build(tab, "undo")
    assert rows(network) == ["Conv2D", "MaxPooling2D", "Flatten", "Dense"]
    network = build(tab, "redo")
    assert network["rows"][0]["arguments"]["filters"] == 4
    refused = tab.ask("build", change={"kind": "yaml", "text": "- Flatten: {"})
    assert "no YAML that can be used" in refused["sentence"]
    network = build(tab, "yaml", text="- Flatten\n- Dense: {units: outputs}\n")
    assert network["rows"][1]["problems"][0]["button"] == "Set activation to softmax"


def test_what_the_settings_have_to_do_with_it(tab: Tab) -> None:
    build(tab, "recipe", recipe="simple")
    change = {"kind": "settings", "values": {"loss": "hinge"}}
    tab.ask("edit", revision=last(tab)["revision"], change=change)
    network = last(tab)["network"]
    (problem,) = network["rows"][-1]["problems"]
    assert (problem["level"], problem["button"]) == (
        "warning",
        "Use loss categorical_crossentropy",
    )
    key = network["rows"][-1]["key"]
    network = build(tab, "mend", key=key, code=problem["code"])
    told = next(news for news in reversed(tab.news) if news["kind"] == "document")
    assert told["document"]["settings"]["loss"] == "categorical_crossentropy"
    assert network["rows"][-1]["problems"] == []
    # A network with branches is no list.
    network = build(tab, "recipe", recipe="residual")
    assert (network["rows"], network["editable"], network["ready"]) == ([], False, True)
    network = build(tab, "undo")
    assert (rows(network), network["own"]) == (["Conv2D", "Flatten", "Dense"], True)


def test_every_layer_is_told_with_its_arguments(tab: Tab) -> None:
    layers = {one["kind"]: one for one in tab.ask("layers")["layers"]}
    filters = layers["Conv2D"]["arguments"][0]
    assert (filters["name"], filters["kind"], filters["needed"]) == ("filters", "count", True)
    assert layers["Dropout"]["group"] == "Chance, in training only"


@pytest.mark.slow
def test_the_network_is_kept_and_trained(
    start_lab: Callable[..., Any], halves: Callable[..., None], tmp_path: Path
) -> None:
    halves(tmp_path / "halves.npz")
    with start_lab(tmp_path) as lab, signed_in(lab).tab() as tab:
        change = {"kind": "source", "source": {"place": "path", "name": "halves.npz"}}
        tab.ask("edit", revision=0, change=change)
        tab.until(lambda news: news["kind"] == "data" and news["data"]["state"] == "ready")
        text = "- Flatten\n- Dense: {units: 7, activation: relu}\n- Dense: {units: 9}\n"
        network = build(tab, "yaml", text=text)
        assert network["image"] == [8, 8, 1]
        assert network["rows"][2]["problems"][0]["button"] == "Set units to outputs"
    with start_lab(tmp_path) as lab, signed_in(lab).tab() as tab:
        network = tab.snapshot["network"]
        assert network["yaml"] == text
        tab.until(lambda news: news["kind"] == "data" and news["data"]["state"] == "ready")
        key = network["rows"][2]["key"]
        refused = tab.ask("start", revision=tab.revision)
        assert refused["sentence"].startswith("The network cannot be trained yet: mend what is red")
        build(tab, "argument", key=key, name="units", value="outputs")
        build(tab, "argument", key=key, name="activation", value="softmax")
        answer = tab.ask("start", revision=last(tab)["revision"])
        assert answer["run"] == "halves-own-network"
        told = tab.until(lambda news: news["kind"] == "run" and news["run"]["state"] == "finished")
        # By hand: 64 numbers to 7, and 7 to 2.
        assert told["run"]["parameters"] == 65 * 7 + 8 * 2
        assert "networks/halves-own-network.yaml" in told["run"]["command"]


def signed_in(lab: LabProcess) -> LabProcess:
    lab.sign_in()
    return lab
