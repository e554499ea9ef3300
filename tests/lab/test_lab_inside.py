"""The step Look inside on the server: what it says against Keras, NumPy and the run's own files."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from lab_client import LabProcess, Tab
from numpy.typing import NDArray
from PIL import Image

import firstlight as fl
from firstlight.models import import_keras

pytestmark = pytest.mark.slow

keras = import_keras()
NET = """
- Conv2D: {filters: 3, kernel_size: 3, strides: 2, padding: same, activation: relu}
- Conv2D: {filters: 4, kernel_size: 3, padding: same}
- Flatten
- Dense: {units: outputs%s}
"""
BRIGHT = {"batch_size": 16, "learning_rate": 0.01, "threads": 1}


@pytest.fixture(scope="module")
def lab(
    tmp_path_factory: pytest.TempPathFactory, start_lab: Callable, halves: Callable
) -> Iterator[LabProcess]:
    """A lab with a run of two classes and one that measures, with a number beside the image."""
    folder = tmp_path_factory.mktemp("inside")
    halves(folder / "halves.npz")
    (folder / "classes.yaml").write_text(NET % ", activation: softmax")
    (folder / "values.yaml").write_text(NET % "")
    random = np.random.default_rng(0)
    sky = random.normal(size=(60, 8, 8, 1)).astype("float32")
    glow, z = sky.mean(axis=(1, 2, 3)), random.uniform(7, 9, 60).astype("float32")
    np.savez(folder / "sky.npz", images=sky, glow=glow, z=z)
    runs = folder / "runs"
    fl.train(
        folder / "halves.npz", runs=runs, name="halves", epochs=2,
        model=str(folder / "classes.yaml"), **BRIGHT,
    )  # fmt: skip
    fl.train(
        folder / "sky.npz", runs=runs, name="sky", epochs=1, target="glow", side=("z",),
        model=str(folder / "values.yaml"), **BRIGHT,
    )  # fmt: skip
    with start_lab(folder) as process:
        process.sign_in()
        yield process


@pytest.fixture
def tab(lab: LabProcess) -> Iterator[Tab]:
    with lab.tab() as tab:
        yield tab


def inside(tab: Tab, run: str = "halves", image: Any = 0, epoch: int | None = None) -> Any:
    answer = tab.ask("inside", run=run, image=image, epoch=epoch)
    assert answer["kind"] == "inside", answer
    return answer


def kernel(tab: Tab, run: str, layer: str | None, filter: int | None, image: int = 0) -> Any:
    answer = tab.ask("kernel", run=run, image=image, epoch=None, layer=layer, filter=filter)
    assert answer["kind"] == "kernel", answer
    return answer


def array(numbers: dict[str, Any]) -> NDArray[np.float32]:
    return np.frombuffer(b64decode(numbers["data"]), "<f4").reshape(numbers["shape"])


def pixels(pictures: dict[str, Any]) -> NDArray[np.uint8]:
    """The small pictures, `(N, h, w, 3)`."""
    whole = np.asarray(Image.open(BytesIO(b64decode(pictures["png"]))).convert("RGB"))
    high, wide = pictures["height"], pictures["width"]
    places = (divmod(k, pictures["columns"]) for k in range(pictures["count"]))
    return np.stack(
        [whole[i * high : (i + 1) * high, j * wide : (j + 1) * wide] for i, j in places]
    )


def own_test(lab: LabProcess) -> Any:
    return fl.load(lab.folder / "halves.npz").test


def model_of(lab: LabProcess, run: str) -> Any:
    return fl.inside(run, runs=lab.runs).model


def answers_of(model: Any, layer: str, image: NDArray[Any]) -> NDArray[np.float32]:
    """What Keras itself says that a layer answers to an image."""
    asked = keras.Model(model.inputs[0], model.get_layer(layer).output)
    return keras.ops.convert_to_numpy(asked(image[None].astype("float32")))[0]


def test_test_images_come_with_their_places(lab: LabProcess, tab: Tab) -> None:
    test = own_test(lab)
    asked = {"run": "halves", "start": 1, "count": 3}
    samples = tab.ask("tested", label=1, **asked)
    expected = np.flatnonzero(test.targets == 1)
    assert samples["total"] == len(expected)
    assert [tile["position"] for tile in samples["tiles"]] == expected[1:4].tolist()
    assert [tile["label"] for tile in samples["tiles"]] == ["1", "1", "1"]
    sheet = pixels({**samples, "png": samples["sheet"], "count": 3})
    np.testing.assert_array_equal(sheet[..., 0], test.images[expected[1:4]][..., 0])
    everything = tab.ask("tested", label=None, **asked)
    assert everything["total"] == len(test)
    assert [tile["position"] for tile in everything["tiles"]] == [1, 2, 3]
    assert "classes 0 to 1" in tab.ask("tested", label=2, **asked)["sentence"]
    assert tab.ask("tested", label=None, **asked | {"run": "none"})["kind"] == "refused"


def test_what_the_network_says(lab: LabProcess, tab: Tab) -> None:
    test = own_test(lab)
    found = inside(tab, image=3)
    expected = model_of(lab, "halves").predict(test.images[3:4], verbose=0)[0]
    said = {one["name"]: one["value"] for one in found["answers"]}
    assert said == pytest.approx({"0": expected[0], "1": expected[1]}, rel=1e-4)
    assert [one["true"] for one in found["answers"]] == [test.targets[3] == 0, test.targets[3] == 1]
    assert found["images"] == len(test)
    np.testing.assert_array_equal(pixels(found["image"])[0, ..., 0], test.images[3][..., 0])
    titles = [table["title"].split(":")[0] for table in found["opened"]]
    assert titles == ["Softmax", "Loss", "Accuracy", "Parameters"]
    loss = -np.log(expected[test.targets[3]])
    assert float(found["opened"][1]["title"].split()[1]) == pytest.approx(loss, rel=1e-3)
    parameters = found["opened"][3]["rows"][-1][-1]
    assert int(parameters.replace(",", "")) == model_of(lab, "halves").count_params()


def test_what_every_layer_answers(lab: LabProcess, tab: Tab) -> None:
    image = own_test(lab).images[0]
    model = model_of(lab, "halves")
    found = inside(tab)
    kinds = ["Rescaling", "Conv2D", "Conv2D", "Flatten", "Dense"]
    assert [layer["layer"] for layer in found["layers"]] == kinds
    for layer in found["layers"]:
        expected = answers_of(model, layer["name"], image)
        assert tuple(layer["shape"]) == expected.shape
        if layer["numbers"] is not None:
            np.testing.assert_allclose(array(layer["numbers"]), expected, rtol=1e-4, atol=1e-5)
            continue
        maps = pixels(layer["maps"]).astype(int)
        assert maps.shape == (expected.shape[2], *expected.shape[:2], 3)
        # Blue where it is positive, orange where negative, white at 0.
        values, reach = expected.transpose(2, 0, 1), np.abs(expected).max()
        warmth = maps[..., 0] - maps[..., 2]
        assert (warmth[values > 0.05 * reach] < 0).all()
        assert (warmth[values < -0.05 * reach] > 0).all()
        assert (maps[values == 0] == 255).all()
    filters = [layer["filters"] for layer in found["layers"]]
    assert [one and one["count"] for one in filters] == [None, 3, 4, None, None]
    first = keras.ops.convert_to_numpy(model.layers[1].kernel)[:, :, 0]
    shown = pixels(filters[1]).astype(int)
    strong = np.abs(first.transpose(2, 0, 1)) > 0.05 * np.abs(first).max()
    blue = shown[..., 2] > shown[..., 0]
    np.testing.assert_array_equal(blue[strong], (first.transpose(2, 0, 1) > 0)[strong])


@pytest.mark.parametrize("layer", [1, 2])
def test_a_page_can_add_up_what_keras_answers(lab: LabProcess, tab: Tab, layer: int) -> None:
    """As the page does it: every place from the received map, the weights and the geometry."""
    image = own_test(lab).images[0]
    model = model_of(lab, "halves")
    name = model.layers[layer].name
    expected = answers_of(model, name, image)
    for filter in range(expected.shape[2]):
        work = kernel(tab, "halves", name, filter)
        received, weights = array(work["received"]), array(work["weights"])
        answer = array(work["answer"])
        np.testing.assert_allclose(answer, expected[..., filter], rtol=1e-4, atol=1e-5)
        for row, column in np.ndindex(answer.shape):
            total = work["bias"]
            for i, j, channel in np.ndindex(weights.shape):
                y = row * work["strides"][0] - work["before"][0] + i * work["dilation"][0]
                x = column * work["strides"][1] - work["before"][1] + j * work["dilation"][1]
                if 0 <= y < received.shape[0] and 0 <= x < received.shape[1]:
                    total += float(received[y, x, channel]) * float(weights[i, j, channel])
            made = max(total, 0) if work["activation"] == "relu" else total
            assert made == pytest.approx(float(answer[row, column]), rel=1e-4, abs=1e-4)


def test_the_largest_answer_is_where_the_kernel_begins(lab: LabProcess, tab: Tab) -> None:
    model = model_of(lab, "halves")
    expected = answers_of(model, model.layers[1].name, own_test(lab).images[0])
    work = kernel(tab, "halves", None, None)
    assert work["layer"] == model.layers[1].name
    assert expected[work["row"], work["column"], work["filter"]] == expected.max()


def test_the_network_as_it_was(lab: LabProcess, tab: Tab) -> None:
    found = inside(tab)
    assert found["epochs"] == [0, 1, 2]
    with np.load(lab.runs / "halves/snapshots/epoch-000000.npz") as stored:
        kernels = [stored[name] for name in stored.files if stored[name].ndim == 4]
    asked = {"run": "halves", "image": 0, "layer": None, "filter": 1}
    before = tab.ask("kernel", epoch=0, **asked)
    np.testing.assert_array_equal(array(before["weights"]), kernels[0][..., 1])
    now = tab.ask("kernel", epoch=None, **asked)
    assert not np.allclose(array(now["weights"]), kernels[0][..., 1])
    # And back again: the network of one epoch leaves that of another alone.
    again = tab.ask("kernel", epoch=0, **asked)
    np.testing.assert_array_equal(array(again["weights"]), kernels[0][..., 1])
    then = inside(tab, epoch=0)
    assert then["answers"] != found["answers"]
    assert "finished network" in then["notes"][-1]
    refused = tab.ask("inside", run="halves", image=0, epoch=7)
    assert "keeps the weights of 0, 1, 2, but epoch 7 came" in refused["sentence"]


def test_where_an_answer_comes_from(lab: LabProcess, tab: Tab) -> None:
    found = tab.ask("saliency", run="halves", image=2, epoch=None, of="1")
    assert found["kind"] == "saliency", found
    look = fl.look("halves", 2, of="1", runs=lab.runs)
    assert [one["title"] for one in found["maps"]] == ["Grad-CAM", "Integrated gradients"]
    for shown, expected in zip(found["maps"], look.saliency, strict=True):
        assert shown["correlation"] == pytest.approx(expected.check.correlation, abs=1e-5)
        assert shown["check"] == expected.sentence()
        for picture, values in zip(
            pixels(shown["maps"]).astype(int), (expected.values, expected.check.example),
            strict=True,
        ):  # fmt: skip
            strong = np.abs(values) > 0.3 * np.abs(values).max()
            blue = picture[..., 2] > picture[..., 0]
            np.testing.assert_array_equal(blue[strong], (values > 0)[strong])
    refused = tab.ask("saliency", run="halves", image=2, epoch=None, of="left")
    assert "takes one of 0, 1, but left came" in refused["sentence"]


def test_measured_numbers(lab: LabProcess, tab: Tab) -> None:
    found = inside(tab, "sky", 1)
    test = fl.load(lab.folder / "sky.npz", target="glow", side=("z",)).test
    expected = model_of(lab, "sky").predict([test.images[1:2], test.side[1:2]], verbose=0)[0, 0]
    [said] = found["answers"]
    assert (found["task"], said["name"]) == ("measure", "glow")
    assert said["value"] == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert said["true"] == pytest.approx(float(test.targets[1, 0]), rel=1e-5)
    assert found["image"]["words"].startswith("Colours: orange")
    titles = [table["title"].split(":")[0] for table in found["opened"]]
    assert titles == ["Loss", "Rmse", "Parameters"]
    found = tab.ask("saliency", run="sky", image=1, epoch=0, of="glow")
    assert [one["title"] for one in found["maps"]] == ["Grad-CAM", "Integrated gradients"]


def as_npz(**arrays: NDArray[Any]) -> bytes:
    file = BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_an_image_of_ones_own(lab: LabProcess, tab: Tab) -> None:
    images = own_test(lab).images[:3]
    upload = lab.upload(tab, {"mine.npz": as_npz(images=images)})
    own = {"kind": "uploaded", "upload": upload, "place": 2, "side": {}}
    found = tab.ask("inside", run="halves", image=own, epoch=None)
    model = model_of(lab, "halves")
    expected = model.predict(images[2:], verbose=0)[0]
    said = {one["name"]: one["value"] for one in found["answers"]}
    assert said == pytest.approx({"0": expected[0], "1": expected[1]}, rel=1e-4)
    assert [one["true"] for one in found["answers"]] == [None, None]
    assert (found["images"], found["side"], found["reading"]) == (3, [], [])
    assert "mine.npz" in found["name"]
    np.testing.assert_array_equal(pixels(found["image"])[0, ..., 0], images[2][..., 0])
    # Its truth is not known, nor then its loss.
    titles = [table["title"].split(":")[0] for table in found["opened"]]
    assert titles == ["Softmax", "Accuracy", "Parameters"]
    name = model.layers[1].name
    work = tab.ask("kernel", run="halves", image=own, epoch=None, layer=name, filter=1)
    answers = answers_of(model, name, images[2])[..., 1]
    np.testing.assert_allclose(array(work["answer"]), answers, rtol=1e-4, atol=1e-5)
    maps = tab.ask("saliency", run="halves", image=own, epoch=None, of="1")["maps"]
    np.save(lab.folder / "mine.npy", images[2:])
    look = fl.look("halves", lab.folder / "mine.npy", of="1", runs=lab.runs)
    correlations = [one.check.correlation for one in look.saliency]
    assert [one["correlation"] for one in maps] == pytest.approx(correlations, abs=1e-5)


def test_how_an_image_of_ones_own_was_read_is_said(lab: LabProcess, tab: Tab) -> None:
    large = lab.folder / "large.png"
    Image.fromarray(np.zeros((50, 70), "uint8")).save(large)
    upload = lab.upload(tab, {"a.png": large.read_bytes(), "words.png": b"no picture"})
    own = {"kind": "uploaded", "upload": upload, "place": 0, "side": {}}
    found = tab.ask("inside", run="halves", image=own, epoch=None)
    [size] = fl.predict("halves", large, runs=lab.runs).notes
    assert found["reading"][0] == size
    assert found["reading"][1].startswith("words.png: ")


def test_a_number_beside_an_image_of_ones_own(lab: LabProcess, tab: Tab) -> None:
    test = fl.load(lab.folder / "sky.npz", target="glow", side=("z",)).test
    upload = lab.upload(tab, {"sky.npz": as_npz(images=test.images[:1])})
    asked = {"run": "sky", "epoch": None}
    for z in (7.5, 8.5):
        own = {"kind": "uploaded", "upload": upload, "place": 0, "side": {"z": z}}
        found = tab.ask("inside", image=own, **asked)
        assert found["side"] == ["z"]
        [said] = found["answers"]
        beside = np.array([[z]], "float32")
        expected = model_of(lab, "sky").predict([test.images[:1], beside], verbose=0)[0, 0]
        assert said["value"] == pytest.approx(expected, rel=1e-4, abs=1e-5)
    refused = tab.ask("inside", image=own | {"side": {}}, **asked)
    assert "z is not known of all images" in refused["sentence"]
    refused = tab.ask("inside", image=own | {"place": 1}, **asked)
    assert "the images that were read are 0 to 0, but 1 came" in refused["sentence"].lower()
    refused = tab.ask("inside", image=own | {"upload": "gone"}, **asked)
    assert "upload it again" in refused["sentence"]


def test_a_drawing(lab: LabProcess, tab: Tab) -> None:
    pad = tab.ask("test-report", run="halves")["pad"]
    ink = np.random.default_rng(0).integers(0, 256, (pad["height"], pad["width"]), "uint8")
    told = b64encode(ink.tobytes()).decode()
    found = inside(tab, image={"kind": "drawing", "ink": told})
    assert (found["name"], found["images"]) == ("drawing", 1)
    drawn = tab.ask("drawn", run="halves", ink=told)
    sheet = pixels({**drawn, "png": drawn["sheet"], "count": 1})
    np.testing.assert_array_equal(pixels(found["image"]), sheet)
    expected = model_of(lab, "halves").predict(sheet[..., :1], verbose=0)[0]
    values = [one["value"] for one in found["answers"]]
    assert values == pytest.approx(expected.tolist(), rel=1e-4)
    refused = tab.ask("inside", run="halves", image={"kind": "drawing", "ink": "AA=="}, epoch=None)
    assert "another size" in refused["sentence"]
    refused = tab.ask("inside", run="sky", image={"kind": "drawing", "ink": told}, epoch=None)
    assert refused["kind"] == "refused"


def test_a_network_without_a_convolution_or_earlier_weights(lab: LabProcess, tab: Tab) -> None:
    (lab.folder / "flat.yaml").write_text(
        "- Flatten\n- Dense: {units: outputs, activation: softmax}\n"
    )
    run = fl.train(
        lab.folder / "halves.npz", runs=lab.runs, name="flat", epochs=1,
        model=str(lab.folder / "flat.yaml"), **BRIGHT,
    )  # fmt: skip
    for snapshot in run.files.snapshots.iterdir():
        snapshot.unlink()
    found = inside(tab, "flat")
    assert found["epochs"] == []
    assert not any(layer["filters"] for layer in found["layers"])
    asked = {"run": "flat", "image": 0, "epoch": None}
    refused = tab.ask("kernel", layer=None, filter=None, **asked)
    assert "no convolution to look at" in refused["sentence"]
    # The image itself, rescaled, is the one feature map that there is.
    maps = tab.ask("saliency", of="0", **asked)["maps"]
    assert [one["title"] for one in maps] == ["Grad-CAM", "Integrated gradients"]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"image": 10**9}, "the test images are 0 to"),
        ({"layer": "dense"}, "dense is a Dense, but a convolution was expected"),
        ({"layer": "../x"}, "no layer called"),
        ({"filter": 99}, "a filter 0 to"),
        ({"run": "nothing"}, "no run called"),
        ({"run": "../halves"}, "no run called"),
    ],
)
def test_what_is_not_there_is_refused(tab: Tab, changed: dict[str, Any], sentence: str) -> None:
    asked = {"run": "halves", "image": 0, "epoch": None, "layer": None, "filter": None}
    answer = tab.ask("kernel", **asked | changed)
    assert answer["kind"] == "refused"
    assert sentence.lower() in answer["sentence"].lower()
