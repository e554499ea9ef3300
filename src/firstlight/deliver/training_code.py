"""Loss, optimizer, schedule and metric of a run as Keras code."""

from __future__ import annotations

from typing import Any

from firstlight.core.losses import WITH_SPREAD
from firstlight.core.settings import TrainSettings
from firstlight.deliver.values import call_code, value_code
from firstlight.training.schedules import WARM_UP

GAUSSIAN = '''\
def gaussian_loss(targets, answers):
    """How unlikely the targets are, if errors are normal: Nix & Weigend 1994.

    The gradient counts each image in proportion to its spread: Seitzer et al. 2022,
    arXiv:2203.09168.
    """
    ops = keras.ops
    values, logarithms = ops.split(answers, 2, axis=1)
    distances = (targets - values) * ops.exp(-logarithms)
    each = ops.square(distances) / 2 + logarithms + math.log(2 * math.pi) / 2
    spreads = ops.stop_gradient(ops.exp(logarithms))
    shares = spreads / ops.mean(spreads, axis=0)
    each = shares * each + ops.stop_gradient((1 - shares) * each)
    return ops.mean(each, axis=1)
'''
ONE_CYCLE = f'''\
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Up to the peak over the first fifth of the steps, then down to 0: Smith & Topin 2018."""

    def __init__(self, peak, steps):
        self.peak, self.steps = peak, steps
        self.rise = max(1.0, {WARM_UP} * steps)

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        start = self.peak / 25
        up = (1 - keras.ops.cos(math.pi * step / self.rise)) / 2
        share = (step - self.rise) / max(1.0, self.steps - self.rise)
        down = (1 + keras.ops.cos(math.pi * share)) / 2
        return keras.ops.where(
            step < self.rise, start + (self.peak - start) * up, self.peak * down
        )

    def get_config(self):
        return {{"peak": self.peak, "steps": self.steps}}
'''
# Keras's names of what `--optimizer` takes.
OPTIMIZERS = {
    name.lower(): name
    for name in (
        "Adam AdamW Nadam RMSprop SGD Adadelta Adafactor Adagrad Adamax Ftrl Lamb Lion Muon"
    ).split()
}
METRICS = {
    "mae": '"mae"',
    "mse": '"mse"',
    "mape": '"mape"',
    "rmse": "keras.metrics.RootMeanSquaredError()",
    "r2": "keras.metrics.R2Score()",
}
# These take class numbers as they are.
OF_CLASS_NUMBERS = (
    "categorical_crossentropy",
    "categorical_generalized_cross_entropy",
    "sparse_categorical_crossentropy",
)
SMOOTHED = {
    "binary_crossentropy": "BinaryCrossentropy",
    "binary_focal_crossentropy": "BinaryFocalCrossentropy",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "categorical_focal_crossentropy": "CategoricalFocalCrossentropy",
    "sparse_categorical_crossentropy": "CategoricalCrossentropy",
}


def loss_code(settings: TrainSettings, outputs: int) -> tuple[str, list[str]]:
    """The loss as an argument of `compile`, and functions that it needs.

    Example:
        >>> loss_code(TrainSettings(loss="categorical_crossentropy"), 10)
        ('"sparse_categorical_crossentropy"', [])
    """
    name = str(settings.loss)
    if name == WITH_SPREAD:
        return "gaussian_loss", [GAUSSIAN]
    if settings.label_smoothing:
        smoothing = {"label_smoothing": settings.label_smoothing}
        return call_code(f"keras.losses.{SMOOTHED[name]}", [], smoothing), []
    if name == "categorical_generalized_cross_entropy":
        # The one loss that Keras does not find by its name.
        return "keras.losses.CategoricalGeneralizedCrossEntropy()", []
    if name == "categorical_crossentropy":
        name = "sparse_categorical_crossentropy"
    return value_code(name), []


def targets_code(settings: TrainSettings, outputs: int, classify: bool) -> list[str]:
    """Lines that make what the loss compares of class numbers; none where it takes these.

    Example:
        >>> targets_code(TrainSettings(loss="hinge"), 3, True)[0]
        'train_targets = keras.utils.to_categorical(train_labels, 3)'
    """
    if not classify or (settings.loss in OF_CLASS_NUMBERS and not settings.label_smoothing):
        return []
    parts = ("train", "validation", "test")
    if outputs == 1:
        return [f'{part}_targets = {part}_labels[:, None].astype("float32")' for part in parts]
    return [f"{p}_targets = keras.utils.to_categorical({p}_labels, {outputs})" for p in parts]


def optimizer_code(settings: TrainSettings) -> tuple[str, list[str]]:
    """The optimizer as an argument of `compile`, and classes that it needs.

    Example:
        >>> optimizer_code(TrainSettings(optimizer="adam", learning_rate=0.1, schedule="cosine"))[0]
        'keras.optimizers.Adam(learning_rate=keras.optimizers.schedules.CosineDecay(0.1, steps))'
    """
    peak = value_code(settings.learning_rate)
    schedule, needed = peak, []
    if settings.schedule == "cosine":
        schedule = f"keras.optimizers.schedules.CosineDecay({peak}, steps)"
    elif settings.schedule == "one-cycle":
        schedule, needed = f"OneCycle({peak}, steps)", [ONE_CYCLE]
    options: dict[str, Any] = {}
    for name in ("momentum", "weight_decay"):
        if getattr(settings, name) is not None:
            options[name] = getattr(settings, name)
    if settings.average is not None:
        options |= {"use_ema": True, "ema_momentum": settings.average}
    kind = f"keras.optimizers.{OPTIMIZERS[str(settings.optimizer)]}"
    return call_code(kind, [f"learning_rate={schedule}"], options), needed


def metric_code(settings: TrainSettings, outputs: int) -> str:
    """What is shown beside the loss, as in a list of metrics; "" where Keras has nothing for it."""
    if settings.loss == WITH_SPREAD:
        return ""
    if settings.metric == "top_5":
        sparse = not targets_code(settings, outputs, True)
        return f"keras.metrics.{'Sparse' if sparse else ''}TopKCategoricalAccuracy(5)"
    return METRICS.get(str(settings.metric), '"accuracy"')


def class_weight_code() -> str:
    """Lines that weigh each class so that all count the same."""
    return (
        "# Rare classes count as much as frequent ones.\n"
        "found, counts = np.unique(train_labels, return_counts=True)\n"
        "weights = len(train_labels) / (len(found) * counts)\n"
        "class_weight = dict(zip(found.tolist(), weights.tolist()))"
    )
