"""Networks from a Python file: what is called with what, and what is said when it fails."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight.core.errors import ModelError
from firstlight.models import build_model, check_model, classes_of_file, load_model, save_model
from firstlight.models.user_files import model_from_file

MNIST = (28, 28, 1)


def test_the_notebooks_functions(notebook: Path) -> None:
    simple = build_model(f"{notebook}:make_model_simple", MNIST, 10, "classify")
    assert simple.count_params() == 15_586
    twins: Any = build_model(f"{notebook}:make_model_twins", MNIST, 3, "measure")
    # Without an input of its own: built for the images, and still compiled.
    assert (twins.input_shape, twins.output_shape) == ((None, 28, 28, 1), (None, 3))
    # What the shared initializer does, and why recipes name theirs instead.
    second, third = twins.layers[2], twins.layers[3]
    assert np.array_equal(np.asarray(second.kernel), np.asarray(third.kernel))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("import tensorflow as tf\ndef make(): ...", "net.py imports tensorflow, which is not"),
        ("import nowhere_to_be_found\ndef make(): ...", "run `pip install nowhere_to_be_found`"),
        ("def make(:", "net.py is no Python that can be read"),
        ("1 / 0\ndef make(): ...", "net.py stopped in line 1 while it ran: division by zero."),
        ("def made(): ...", "net.py has no function make: did you mean made?"),
        ("make = 3", "net.py holds no function make once it has run."),
        ("def make(depth): ...", "net.py:make needs an argument depth, which firstlight does not"),
        ("def make(): return 3", "returned int, not a Keras model"),
        (
            "def make(): raise KeyError('x')",
            "stopped in line 1 while making the network for 28x28x1 images",
        ),
    ],
)
def test_what_can_go_wrong(tmp_path: Path, body: str, message: str) -> None:
    path = tmp_path / "net.py"
    path.write_text(body)
    with pytest.raises(ModelError) as caught:
        build_model(f"{path}:make", MNIST, 10, "classify")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_without_a_function_named(notebook: Path) -> None:
    with pytest.raises(ModelError, match=r"name the function too, as in net\.py:make_model: choo"):
        build_model(str(notebook), MNIST, 10, "classify")
    with pytest.raises(ModelError, match=r"there is no file .*other\.py"):
        build_model(str(notebook.with_name("other.py")) + ":make", MNIST, 10, "classify")


def test_arguments_by_name_neighbours_and_networks_written_as_a_class(tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("WIDTH = 5\n")
    path = tmp_path / "net.py"
    path.write_text(
        "import keras\n"
        "from neighbour import WIDTH\n"
        "class Net(keras.Model):\n"
        "    def __init__(self, outputs):\n"
        "        super().__init__()\n"
        "        self.flat = keras.layers.Flatten()\n"
        "        self.last = keras.layers.Dense(outputs + WIDTH)\n"
        "    def call(self, images):\n"
        "        return self.last(self.flat(images))\n"
        "def make(n_classes, task, *, shape, depth=3, **others):\n"
        "    assert (task, shape, depth, others) == ('classify', (28, 28, 1), 3, {})\n"
        "    return Net(n_classes)\n"
    )
    model = build_model(f"{path}:make", MNIST, 10, "classify")
    assert (model.input_shape, model.output_shape) == ((None, 28, 28, 1), (None, 15))
    assert model.count_params() == 785 * 15
    # Its constructor takes an argument that no file could give it back.
    (finding,) = check_model(f"{path}:make", MNIST, 10, "classify").findings
    assert "a layer of your own needs a get_config method" in finding.message


def test_neighbours_are_found_while_the_function_runs(tmp_path: Path) -> None:
    (tmp_path / "late_neighbour.py").write_text("WIDTH = 5\n")
    path = tmp_path / "net.py"
    path.write_text(
        "import keras\n"
        "def make(image_shape):\n"
        "    from late_neighbour import WIDTH\n"
        "    inputs = keras.Input(image_shape)\n"
        "    return keras.Model(inputs, keras.layers.Dense(WIDTH)(inputs))\n"
    )
    before = list(sys.path)
    assert build_model(f"{path}:make", MNIST, 10, "classify").output_shape == (None, 28, 28, 5)
    assert sys.path == before


@pytest.mark.parametrize(
    ("layer", "level", "code", "message"),
    [
        (
            "keras.layers.Lambda(lambda x: x + 1)",
            "error",
            "cannot-be-loaded",
            "a Lambda layer is program code, which is never run from a model file",
        ),
        (
            "keras.layers.TimeDistributed(keras.layers.Dense(3))",
            "error",
            "cannot-be-loaded",
            "model files are read without TimeDistributed",
        ),
        (
            "keras.layers.Activation(bent)",
            "error",
            "cannot-be-loaded",
            "model files are read without the function bent",
        ),
        (
            "Doubled()",
            "warning",
            "own-layers",
            "Doubled is defined in net.py: the trained network can only be loaded with that file",
        ),
        (
            "keras.layers.Conv2D(2, 3, kernel_initializer=Tiny())",
            "warning",
            "own-layers",
            "Tiny is defined in net.py",
        ),
    ],
)
def test_what_no_model_file_gives_back(
    tmp_path: Path, layer: str, level: str, code: str, message: str
) -> None:
    path = tmp_path / "net.py"
    path.write_text(
        "import keras\n"
        "def bent(x):\n"
        "    return keras.ops.relu(x)\n"
        "class Doubled(keras.layers.Layer):\n"
        "    def call(self, x):\n"
        "        return x * 2.0\n"
        "class Tiny(keras.initializers.Initializer):\n"
        "    def __call__(self, shape, dtype=None, **options):\n"
        "        return keras.ops.full(shape, 1e-3)\n"
        "def make(image_shape, outputs):\n"
        f"    first, flat = {layer}, keras.layers.Flatten()\n"
        "    last = keras.layers.Dense(outputs, activation='softmax')\n"
        "    return keras.Sequential([keras.Input(image_shape), first, flat, last])\n"
    )
    (finding,) = check_model(f"{path}:make", (8, 8, 1), 10, "classify").findings
    assert (finding.level, finding.code) == (level, code)
    assert finding.message.startswith(message)
    # The rule says what loading does.
    save_model(build_model(f"{path}:make", (8, 8, 1), 10, "classify"), tmp_path / "model.keras")
    with pytest.raises(ModelError):
        load_model(tmp_path / "model.keras")
    if level == "warning":
        load_model(tmp_path / "model.keras", classes_of_file(path))
    else:
        with pytest.raises(ModelError):
            load_model(tmp_path / "model.keras", classes_of_file(path))


def test_a_regularizer_of_what_a_layer_makes(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(
        "import keras\n"
        "def make(image_shape, outputs):\n"
        "    flat = keras.layers.Flatten()\n"
        "    last = keras.layers.Dense(outputs, 'softmax', activity_regularizer='l2')\n"
        "    return keras.Sequential([keras.Input(image_shape), flat, last])\n"
    )
    checkup = check_model(f"{path}:make", (8, 8, 1), 10, "classify")
    assert checkup.findings == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import sys\nsys.exit(0)\ndef make(): pass\n", r"net\.py stopped in line 2 .*exit\(\)"),
        ("def make():\n    raise SystemExit\n", r"net\.py:make stopped in line 2 .*exit\(\)"),
        ("def make():\n    x = 1\n    return x / 0\n", r"stopped in line 3 .*division by zero"),
    ],
)
def test_a_file_that_stops_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "net.py").write_text(text)
    with pytest.raises(ModelError, match=says):
        model_from_file(f"{tmp_path / 'net.py'}:make", (8, 8, 1), 2, "classify")
