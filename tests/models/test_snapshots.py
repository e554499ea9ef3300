import numpy as np
import pytest

from firstlight.core.errors import ModelError
from firstlight.models import (
    build_model,
    find_snapshots,
    keeps_snapshot,
    put_snapshot,
    save_snapshot,
)
from firstlight.models.snapshots import MOST_WEIGHTS

MNIST = (28, 28, 1)


def weights(keras, model):
    return [keras.ops.convert_to_numpy(weight.value) for weight in model.weights]


def test_a_snapshot_brings_every_weight_back(keras, tmp_path):
    model = build_model("compact", MNIST, 10, "classify")
    model.layers[1].moving_mean.assign(np.arange(16.0))
    before = weights(keras, model)
    save_snapshot(tmp_path / "snapshots", 3, model)
    other = build_model("compact", MNIST, 10, "classify")
    put_snapshot(other, find_snapshots(tmp_path / "snapshots")[3])
    for ours, theirs in zip(weights(keras, other), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_snapshots_are_found_in_order(simple, tmp_path):
    for epoch in (12, 0, 3):
        save_snapshot(tmp_path, epoch, simple)
    (tmp_path / "epoch-first.npz").write_text("")
    assert list(find_snapshots(tmp_path)) == [0, 3, 12]
    assert find_snapshots(tmp_path / "nowhere") == {}


def test_few_are_kept_and_of_small_networks_only(keras, simple):
    assert sum(keeps_snapshot(simple, epoch) for epoch in range(101)) == 14
    large = keras.Sequential([keras.Input((1000,)), keras.layers.Dense(MOST_WEIGHTS // 1000)])
    assert not keeps_snapshot(large, 0)


def test_a_snapshot_of_another_network_or_a_damaged_one_is_refused(simple, tmp_path):
    save_snapshot(tmp_path, 0, build_model("intermediate", MNIST, 10, "classify"))
    save_snapshot(tmp_path, 1, build_model("compact", MNIST, 10, "classify"))
    (tmp_path / "epoch-000002.npz").write_bytes(b"PK broken")
    for path in find_snapshots(tmp_path).values():
        with pytest.raises(ModelError, match="is damaged or of another network"):
            put_snapshot(simple, path)


def test_a_snapshot_of_a_longer_network_is_refused(keras, tmp_path):
    def stack(count):
        return keras.Sequential([keras.Input((4,)), *(keras.layers.Dense(4) for _ in range(count))])

    save_snapshot(tmp_path, 0, stack(2))
    with pytest.raises(ModelError, match="of another network"):
        put_snapshot(stack(1), find_snapshots(tmp_path)[0])


def test_what_cannot_be_written_is_left_out(simple, tmp_path):
    (tmp_path / "snapshots").write_text("a file in its place")
    save_snapshot(tmp_path / "snapshots", 0, simple)
    assert (tmp_path / "snapshots").read_text() == "a file in its place"
