"""A recipe trained with several seeds in one process, by firstlight or by Keras.

    python -m contenders.recipe HOW RECIPE DATA.npz EPOCHS SEEDS

HOW is `float32` or `bfloat16` (firstlight), or `keras`: the same model, preparation, loss,
optimizer and schedule in `model.fit`. Where the processor has no bfloat16 it is imitated. The
last line printed is a JSON object.
"""

import json
import sys
import tempfile
from typing import Any

import firstlight
from firstlight.core.settings import TrainSettings


def by_firstlight(precision: str, recipe: str, data: str, epochs: int, seeds: range) -> list[float]:
    """Test accuracies of `firstlight.train`."""
    import torch

    from firstlight.training import choose_machine
    from firstlight.training.environment import usable_devices
    from firstlight.training.machine import Machine

    choose_machine(TrainSettings())
    fast = usable_devices(torch.cpu.get_capabilities())[-1].bfloat16
    if precision == "bfloat16" and not fast:
        from imitated_bfloat16 import ImitatedBfloat16

        Machine.arithmetic = lambda self: ImitatedBfloat16()  # type: ignore[assignment, return-value]
    scores = []
    with tempfile.TemporaryDirectory() as runs:
        for seed in seeds:
            run = firstlight.train(
                data,
                runs=runs,
                model=recipe,
                epochs=epochs,
                seed=seed,
                precision=precision,
                augment="none",
            )
            scores.append(float(run.report.scores["accuracy"].value))
    return scores


def by_keras(recipe: str, data: str, epochs: int, seeds: range) -> list[float]:
    """Test accuracies of `model.fit` with what the recipe says."""
    import keras

    from firstlight.models import build_model, prepare_model, resolve_settings
    from firstlight.training.schedules import learning_rate

    images = firstlight.load(data)
    train, test = images.train, images.test
    settings = resolve_settings(TrainSettings(model=recipe, epochs=epochs), "classify", len(train))
    peak, size = float(settings.learning_rate or 0), int(settings.batch_size or 1)
    steps = -(-len(train) // size) * epochs

    class Schedule(keras.callbacks.Callback):
        """firstlight's schedule, set before every step."""

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            step = int(self.model.optimizer.iterations)
            rate = learning_rate(str(settings.schedule), peak, step, steps)
            self.model.optimizer.learning_rate = rate

    scores = []
    for seed in seeds:
        keras.utils.set_random_seed(seed)
        model = build_model(recipe, images.image_shape, images.outputs, "classify")
        model = prepare_model(model, "rescale", train.images)
        model.compile(
            optimizer=keras.optimizers.get(str(settings.optimizer)),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        asked = {"batch_size": size, "epochs": epochs, "verbose": 0, "callbacks": [Schedule()]}
        model.fit(train.images, train.targets, **asked)
        scores.append(float(model.evaluate(test.images, test.targets, verbose=0)[1]))
    return scores


def main(how: str, recipe: str, data: str, epochs: str, seeds: str) -> None:
    asked = (recipe, data, int(epochs), range(int(seeds)))
    scores = by_keras(*asked) if how == "keras" else by_firstlight(how, *asked)
    print("\n" + json.dumps({"accuracies": scores}))


if __name__ == "__main__":
    main(*sys.argv[1:])
