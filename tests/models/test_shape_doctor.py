"""The shape doctor: each thing that it finds, with the fix, and the fix seen to mend it."""

from pathlib import Path
from typing import Any

import pytest
from doctor_checks import CONV, ENOUGH, FLAT, LAST, LINEAR, MNIST, POOL, check

from firstlight.core.errors import ModelError
from firstlight.core.findings import Edit, Fix, Layer
from firstlight.core.settings import TrainSettings
from firstlight.models import (
    apply_fix,
    build_layers,
    build_model,
    check_model,
    save_model,
    write_layers,
)


def test_the_notebooks_own_exercise(notebook: Path) -> None:
    checkup = check_model(f"{notebook}:make_model_intermediate", MNIST, 10, "classify")
    (finding,) = checkup.findings
    assert finding.level == "error"
    assert finding.code == "one-answer-per-image"
    assert finding.message == "the network makes 12x12x10 answers where each image has one label."
    assert finding.fix is not None
    assert finding.fix.sentence == (
        "put Flatten() (2,304 numbers) or GlobalAveragePooling2D() (16) before the last Dense"
    )
    assert (finding.layer, finding.index) == ("dense", 2)
    assert (finding.received, finding.makes) == ((12, 12, 16), (12, 12, 10))
    assert checkup.mended is not None
    assert [layer.kind for layer in checkup.mended] == [
        "Conv2D",
        "MaxPooling2D",
        "Flatten",
        "Dense",
    ]
    mended = build_layers(checkup.mended, MNIST, 10)
    assert (
        mended.count_params() == build_model("intermediate", MNIST, 10, "classify").count_params()
    )


@pytest.mark.parametrize(
    ("layers", "code", "message", "fix", "mended"),
    [
        (
            [CONV, POOL, CONV, POOL, CONV, FLAT, LAST],
            "kernel-larger-than-input",
            "the kernel of conv2d_2 covers 5x5 pixels, but it receives 4x4: the kernel does not",
            "make the kernel 4x4",
            "Conv2D MaxPooling2D Conv2D MaxPooling2D Conv2D Flatten Dense",
        ),
        (
            [
                Layer("Conv2D", {"filters": 4, "kernel_size": [3, 8], "dilation_rate": 4}),
                Layer("ReLU"),
                FLAT,
                LAST,
            ],
            "kernel-larger-than-input",
            "the kernel of conv2d covers 9x29 pixels, but it receives 28x28",
            "make the kernel 9x28",
            "Conv2D ReLU Flatten Dense",
        ),
        (
            [CONV, *[POOL] * 5, FLAT, LAST],
            "pooling-to-nothing",
            "max_pooling2d_4 pools 2x2 pixels into one, but only 1x1 are left: nothing would",
            "take max_pooling2d_4 (layer 6) away",
            "Conv2D MaxPooling2D MaxPooling2D MaxPooling2D MaxPooling2D Flatten Dense",
        ),
        (
            [FLAT, CONV, POOL, LAST],
            "needs-an-image",
            "conv2d (Conv2D) works on images of height x width x channels, but receives 784",
            "take Flatten (layer 1) away",
            "Conv2D MaxPooling2D Flatten Dense",
        ),
        (
            [CONV, POOL],
            "one-answer-per-image",
            "the network makes 12x12x16 answers where each image has one label.",
            "put Flatten() (2,304 numbers) or GlobalAveragePooling2D() (16) at the end, and a "
            "Dense(10) after it",
            "Conv2D MaxPooling2D Flatten Dense",
        ),
        (
            [
                CONV,
                Layer("Dense", {"units": 9, "activation": "relu"}),
                Layer("Dropout", {"rate": 0.5}),
                LAST,
            ],
            "one-answer-per-image",
            "the network makes 24x24x10 answers",
            "put Flatten() (9,216 numbers) or GlobalAveragePooling2D() (16) before layer 2",
            "Conv2D Flatten Dense Dropout Dense",
        ),
        (
            [CONV, FLAT, Layer("Dense", {"units": 7, "activation": "softmax"})],
            "wrong-number-of-outputs",
            "the network answers with 7 numbers, but there are 10 classes.",
            "make the last Dense 10 wide",
            "Conv2D Flatten Dense",
        ),
        (
            [CONV, FLAT],
            "wrong-number-of-outputs",
            "the network answers with 9,216 numbers, but there are 10 classes.",
            "put a Dense(10) at the end",
            "Conv2D Flatten Dense",
        ),
        (
            [CONV, FLAT, Layer("Dense", {"units": 1, "activation": "softmax"})],
            "softmax-with-one-output",
            "softmax over one number is always 1, whatever the image.",
            "answer with 10 numbers",
            "Conv2D Flatten Dense",
        ),
        (
            [
                CONV,
                Layer(
                    "Conv2D", {"filters": 9, "kernel_size": 3, "groups": 3, "activation": "relu"}
                ),
                FLAT,
                LAST,
            ],
            "groups-do-not-divide",
            "conv2d_1 deals its channels out to 3 groups, but it receives 16, which 3 does not",
            "leave groups out",
            "Conv2D Conv2D Flatten Dense",
        ),
        (
            [CONV, FLAT, LINEAR],
            "loss-does-not-fit",
            "categorical_crossentropy takes probabilities, but the network ends without",
            "let the last Dense end with activation softmax",
            "Conv2D Flatten Dense",
        ),
        (
            [CONV, FLAT, LINEAR, Layer("ReLU")],
            "loss-does-not-fit",
            "categorical_crossentropy takes probabilities, but the network ends with relu.",
            "let the last Dense end with activation softmax",
            "Conv2D Flatten Dense",
        ),
    ],
)
def test_errors_and_their_fixes(
    tmp_path: Path, layers: list[Layer], code: str, message: str, fix: str, mended: str
) -> None:
    checkup = check(tmp_path, layers)
    (finding, *_) = checkup.errors
    assert finding.code == code
    assert message in finding.message
    assert finding.fix is not None
    assert finding.fix.sentence == fix
    assert checkup.mended is not None
    assert [layer.kind for layer in checkup.mended] == mended.split()


def test_the_walk_stops_where_it_broke(tmp_path: Path) -> None:
    checkup = check(
        tmp_path, [CONV, POOL, Layer("Conv2D", {"filters": 1, "kernel_size": 16}), LAST]
    )
    assert [row.makes for row in checkup.layers] == [(24, 24, 16), (12, 12, 16)]
    (finding,) = checkup.findings
    assert (finding.index, finding.received, finding.makes) == (2, (12, 12, 16), None)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            Layer("Reshape", {"target_shape": [4, 5]}),
            "layer 1: reshape cannot order 256 numbers (8x8x4) as 4x5.",
        ),
        (
            Layer("Dense", {"units": -3}),
            "layer 1: Dense takes a whole number of 1 or more for units, but -3 came.",
        ),
        (Layer("Conv2d", {"filters": 3}), "layer 1: there is no layer called Conv2d."),
        (
            Layer("Cropping2D", {"cropping": 4}),
            "layer 1: cropping2d would leave nothing of the 8x8x4 that it receives.",
        ),
    ],
)
def test_what_has_no_rule_of_its_own_is_said_without_a_traceback(
    tmp_path: Path, layer: Layer, message: str
) -> None:
    (finding,) = check(tmp_path, [layer, FLAT, LAST], shape=(8, 8, 4)).findings
    assert finding.code == "cannot-build"
    assert finding.message.startswith(message)


def test_one_class_has_nothing_to_tell_apart(tmp_path: Path) -> None:
    (finding,) = check(tmp_path, [FLAT, LAST], outputs=1).findings
    assert (finding.level, finding.code) == ("error", "one-class")


def test_layers_without_an_activation_between_them(tmp_path: Path) -> None:
    bare = Layer("Conv2D", {"filters": 4, "kernel_size": 3})
    hidden = Layer("Dense", {"units": 9})
    normal = Layer("BatchNormalization")
    checkup = check(tmp_path, [bare, bare, normal, FLAT, hidden, LAST])
    warning, advice = checkup.findings
    assert (warning.level, advice.level) == ("warning", "advice")
    assert warning.message == (
        "conv2d_1 and dense, dense and dense_1 follow each other with no activation function "
        "between them, so two such layers can do no more than one."
    )
    assert advice.message.startswith("conv2d and conv2d_1 follow")
    for bending in (Layer("ReLU"), POOL, Layer("Activation", {"activation": "tanh"})):
        assert check(tmp_path, [bare, bending, CONV, FLAT, LAST]).findings == ()
    straight = Layer("Activation", {"activation": "linear"})
    assert len(check(tmp_path, [bare, straight, CONV, FLAT, LAST]).findings) == 1


def test_the_recipes_check_clean() -> None:
    for name in ("simple", "intermediate", "compact", "residual"):
        assert check_model(name, MNIST, 10, "classify", memory=ENOUGH).findings == ()
    vgg = check_model("vgg", MNIST, 1, "measure", memory=ENOUGH)
    (advice,) = vgg.findings
    assert (advice.level, advice.code) == ("advice", "missing-activation")
    # Advice changes nobody's network, though it comes with a fix.
    assert advice.fix is not None
    assert advice.fix.edits
    assert vgg.mended is None


def test_the_notebooks_vgg_on_large_images() -> None:
    checkup = check_model("vgg", (200, 200, 1), 1, "measure", memory=ENOUGH)
    finding = checkup.findings[0]
    # By hand: 25*25*256 numbers into 1,024; three numbers of 4 bytes for each weight.
    assert checkup.layers[20].parameters == 25 * 25 * 256 * 1024
    assert finding.message == (
        "dense alone has 164 million of the network's 167 million weights: each of its 1,024 units "
        "has one for each of the 160,000 numbers that it receives. A checkpoint takes 2.0 GB, and "
        "a run keeps two."
    )
    assert finding.fix is not None
    assert finding.fix.sentence == (
        "put GlobalAveragePooling2D() in place of Flatten() (as --model vgg-gap has it): "
        "3.5 million weights are left, and the network takes images of any size; or put more "
        "pooling before it"
    )
    average = check_model("vgg-gap", (200, 200, 1), 1, "measure", memory=ENOUGH)
    assert sum(row.parameters for row in average.layers) == 3_545_248
    assert [found.level for found in average.findings] == ["advice"]
    assert checkup.mended is not None
    assert checkup.mended[19] == Layer("GlobalAveragePooling2D")


@pytest.mark.parametrize(
    ("memory", "level", "batch_size"),
    # By hand: 7,850 weights of 16 bytes; 794 values of 8 bytes for each image.
    [(100_000, "error", None), (500_000, "warning", 32), (2_000_000, None, None)],
)
def test_memory(tmp_path: Path, memory: int, level: str | None, batch_size: int | None) -> None:
    path = tmp_path / "net.yaml"
    write_layers([FLAT, LAST], path)
    findings = check_model(str(path), MNIST, 10, "classify", memory=memory).findings
    assert [finding.level for finding in findings] == ([level] if level else [])
    if batch_size is not None:
        assert findings[0].fix is not None
        assert findings[0].fix.settings == {"batch_size": batch_size}


def test_a_file_for_other_images(tmp_path: Path, simple: Any) -> None:
    path = tmp_path / "model.keras"
    save_model(simple, path)
    (finding,) = check_model(str(path), (32, 32, 3), 10, "classify").findings
    assert finding.message == "the network takes 28x28x1 images, but the data have 32x32x3."
    assert finding.fix is not None
    assert finding.fix.settings == {"size": 28, "colour": "grey"}
    assert check_model(str(path), MNIST, 10, "classify").findings == ()
    # A list of layers would lose the weights, so none is offered.
    wrong = check_model(str(path), MNIST, 7, "classify")
    assert (wrong.errors[0].code, wrong.mended) == ("wrong-number-of-outputs", None)


def test_functional_networks_are_checked_without_a_list(notebook: Path) -> None:
    notebook.write_text(
        "import keras\n"
        "def make(outputs, image_shape):\n"
        "    images = keras.Input(image_shape)\n"
        "    x = keras.layers.Conv2D(4, 3)(images)\n"
        "    return keras.Model(images, keras.layers.Dense(outputs)(x + 1))\n"
        "def two(image_shape):\n"
        "    a, b = keras.Input(image_shape), keras.Input(image_shape)\n"
        "    return keras.Model([a, b], keras.layers.Flatten()(keras.layers.Add()([a, b])))\n"
    )
    checkup = check_model(f"{notebook}:make", MNIST, 10, "classify")
    assert checkup.errors[0].code == "one-answer-per-image"
    assert checkup.mended is None
    checkup = check_model(f"{notebook}:two", MNIST, 10, "classify")
    assert checkup.errors[0].code == "several-inputs"


def test_one_initializer_for_all_and_settings_of_its_own(notebook: Path) -> None:
    checkup = check_model(f"{notebook}:make_model_twins", MNIST, 1, "measure", memory=ENOUGH)
    warning, advice = checkup.findings
    assert (warning.level, warning.code) == ("warning", "shared-initializer")
    assert "share one initializer object" in warning.message
    assert advice.code == "compiled-settings"
    assert advice.fix is not None
    # The notebook compiles with Adam at 0.01; 0.001 is the default for networks of one's own.
    assert advice.fix.settings == {"learning_rate": 0.01}
    alike = TrainSettings(learning_rate=0.01)
    again = check_model(f"{notebook}:make_model_twins", MNIST, 1, "measure", alike, memory=ENOUGH)
    assert [finding.code for finding in again.findings] == ["shared-initializer"]


def test_a_function_that_fails_is_a_finding(notebook: Path) -> None:
    checkup = check_model(f"{notebook}:make_model_simple", (8, 8, 1), 10, "classify")
    assert checkup.errors[0].message == (
        "net.py:make_model_simple stopped in line 8 while making the network for 8x8x1 images: "
        "a kernel or a pooling is larger than what is left of the image when it comes."
    )


def test_there_is_no_such_model() -> None:
    with pytest.raises(ModelError, match="there is no model called vgg16: did you mean vgg"):
        check_model("vgg16", MNIST, 10, "classify")


def test_edits_are_applied_in_order() -> None:
    fix = Fix("", (Edit("remove", 0), Edit("replace", 0, LAST), Edit("insert", 0, FLAT)))
    assert apply_fix([CONV, POOL], fix) == (FLAT, LAST)
