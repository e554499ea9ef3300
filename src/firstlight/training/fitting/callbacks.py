"""Keras's callbacks around a loop that is not Keras's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

BEFORE_BATCH = ("on_batch_begin", "on_train_batch_begin")
AFTER_BATCH = ("on_batch_end", "on_train_batch_end")
BATCH_HOOKS = (*BEFORE_BATCH, *AFTER_BATCH)
# What these do at the end of a batch needs loss and metrics only, never the weights.
NEED_NO_WEIGHTS = ("History", "ProgbarLogger", "CSVLogger", "TerminateOnNaN", "TensorBoard")
SAVE_BY_STEPS = ("ModelCheckpoint", "BackupAndRestore")
# Changes of the network by these are looked for where they can happen.
CHANGE_NOTHING = (
    *NEED_NO_WEIGHTS,
    "EarlyStopping",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "RemoteMonitor",
)


class Callbacks:
    """The callbacks of one fit, and what they need to be true when they are called.

    Between hooks the weights that count are the engine's. A hook that may look at the Keras
    model finds them there, and what a hook may have changed there is taken over.

    Attributes:
        every_batch: whether some callback wants all metrics after each batch.
    """

    def __init__(
        self,
        callbacks: Any,
        model: Any,
        write_back: Callable[[], None],
        read: Callable[[], None],
        **params: Any,
    ) -> None:
        import keras

        if isinstance(callbacks, keras.callbacks.CallbackList):
            self.list = callbacks
        else:
            self.list = keras.callbacks.CallbackList(
                callbacks,
                add_history=True,
                add_progbar=params["verbose"] != 0,
                model=model,
                **params,
            )
        self._write_back = write_back
        self._read = read
        present = self.list.callbacks
        self._before = any(_looks_at_batches(callback, BEFORE_BATCH) for callback in present)
        self._after = any(_looks_at_batches(callback, AFTER_BATCH) for callback in present)
        self._changed = not all(_is_one_of(callback, CHANGE_NOTHING) for callback in present)
        self.every_batch = any(
            _overrides(callback, BATCH_HOOKS)
            and not _is_one_of(callback, ("History", "ProgbarLogger"))
            for callback in present
        )
        self.shown = any(_is_one_of(callback, ("ProgbarLogger",)) for callback in present)

    def train_begin(self) -> None:
        """Before the first epoch; BackupAndRestore brings back weights here."""
        self.list.on_train_begin()
        self._read()

    def epoch_begin(self, epoch: int) -> None:
        """Before an epoch (0 is the first)."""
        self.list.on_epoch_begin(epoch)
        self._take_over(self._changed)

    def batch_begin(self, position: int) -> None:
        """Before a step."""
        if self._before:
            self._write_back()
        self.list.on_train_batch_begin(position)
        self._take_over(self._before)

    def batch_end(self, position: int, logs: dict[str, float]) -> None:
        """After a step."""
        if self._after:
            self._write_back()
        self.list.on_train_batch_end(position, logs)
        self._take_over(self._after)

    def epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """After an epoch and its validation."""
        self._write_back()
        self.list.on_epoch_end(epoch, logs)
        self._take_over(self._changed)

    def train_end(self, logs: dict[str, float]) -> None:
        """After the last epoch; EarlyStopping brings back the best weights here."""
        self.list.on_train_end(logs)

    def _take_over(self, needed: bool) -> None:
        if needed:
            self._read()


def _looks_at_batches(callback: Any, hooks: tuple[str, ...]) -> bool:
    """Whether a callback may look at the weights, or change them, in these hooks."""
    if not _overrides(callback, hooks) or _is_one_of(callback, NEED_NO_WEIGHTS):
        return False
    if _is_one_of(callback, SAVE_BY_STEPS):
        return getattr(callback, "save_freq", "epoch") != "epoch"
    return not _is_one_of(callback, CHANGE_NOTHING)


def _overrides(callback: Any, hooks: tuple[str, ...]) -> bool:
    # Keras marks the hooks that do nothing; LambdaCallback puts its own on the object.
    return not all(getattr(getattr(callback, hook), "_is_default", False) for hook in hooks)


def _is_one_of(callback: Any, names: tuple[str, ...]) -> bool:
    """Whether it is one of Keras's own callbacks of these names, not a subclass."""
    import keras

    return any(type(callback) is getattr(keras.callbacks, name) for name in names)
