import pytest

from firstlight.core.errors import SettingError
from firstlight.core.settings import DataSettings, TrainSettings


@pytest.mark.parametrize(
    ("record", "values", "words"),
    [
        (TrainSettings, {"epochs": 0}, "--epochs takes 1 or more, but 0 came"),
        (TrainSettings, {"batch_size": -3}, "--batch-size takes 1 or more"),
        (TrainSettings, {"optimizer": "adma"}, "--optimizer takes one of adam, adamw"),
        (TrainSettings, {"momentum": 1.5}, "--momentum takes 1 or less"),
        (
            TrainSettings,
            {"momentum": 0.9, "optimizer": "adam"},
            "--momentum is for the optimizers sgd, rmsprop, muon, but adam came",
        ),
        (TrainSettings, {"weight_decay": -0.1}, "--weight-decay takes 0 or more"),
        (TrainSettings, {"loss": "mess"}, "--loss takes one of .*mean_squared_error.*'mess' came"),
        (TrainSettings, {"loss": 3}, "--loss takes one of"),
        (TrainSettings, {"learning_rate": float("nan")}, "--learning-rate takes 1e-12 or more"),
        (TrainSettings, {"learning_rate": float("inf")}, "--learning-rate takes 1000000.0 or less"),
        (TrainSettings, {"seed": 2**32}, "--seed takes 4294967295 or less"),
        (TrainSettings, {"threads": 100_000}, "--threads takes 1024 or less"),
        (TrainSettings, {"epochs": "3"}, "--epochs takes a number, but '3' came"),
        (TrainSettings, {"model": 3}, "--model takes a text, but int came"),
        (DataSettings, {"resize": "squash"}, "--resize takes one of pad, crop, stretch, none"),
        (DataSettings, {"resize": "none", "size": 9}, "--size brings them to another size"),
        (DataSettings, {"size": 0}, "--size takes 1 or more"),
    ],
)
def test_values_that_cannot_be_are_refused(record, values, words):
    with pytest.raises(SettingError, match=words):
        record(**values)


def test_choices_are_taken_in_any_letter_case():
    assert TrainSettings(optimizer="AdamW", momentum=None).optimizer == "adamw"
    assert TrainSettings(optimizer="SGD", momentum=0.9) == TrainSettings(
        optimizer="sgd", momentum=0.9
    )
    assert DataSettings(resize="Crop").resize == "crop"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("mse", "mean_squared_error"),
        ("MAE", "mean_absolute_error"),
        ("Huber", "huber"),
        ("BCE", "binary_crossentropy"),
        ("MAPE", "mean_absolute_percentage_error"),
        ("msle", "mean_squared_logarithmic_error"),
        ("KLDivergence", "kl_divergence"),
        ("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy"),
        ("Categorical_Crossentropy", "categorical_crossentropy"),
        ("logcosh", "log_cosh"),
    ],
)
def test_losses_have_short_names_in_any_letter_case(given, name):
    assert TrainSettings(loss=given).loss == name
