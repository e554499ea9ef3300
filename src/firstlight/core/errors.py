"""Every error that firstlight raises on purpose, as one tree.

A message is one sentence or two that a student understands: what was expected,
what came, what to do about it. `exit_code` is what the command line ends with:
2 where the user can mend it (input, settings, disk), 1 where firstlight is at fault.
"""


class FirstlightError(Exception):
    """The root of the tree: anything that firstlight itself reports."""

    exit_code = 1


class InputError(FirstlightError):
    """Something that the user gave cannot be used as it is."""

    exit_code = 2


class DataError(InputError):
    """A file, folder, table or array cannot be read or does not fit together."""


class ModelError(InputError):
    """A network cannot be built, loaded or trained on this data."""


class SettingError(InputError):
    """An option has a value outside of what it takes."""


class RunError(InputError):
    """A run folder is missing, in use, or damaged."""


class MissingExtraError(InputError):
    """A feature needs packages that are not installed."""


class TrainingError(InputError):
    """Training had to stop: the loss is not finite, the disk is full, memory ran out."""


class NotFiniteError(TrainingError):
    """Training had to stop because loss or weights were no longer finite numbers."""


class WriteError(InputError):
    """A file cannot be written: no room, no right to, or a disk that fails."""


class NotHonouredError(ModelError):
    """Part of a Keras object (loss, optimizer, option) has no equal in firstlight's engine."""


class EngineWarning(UserWarning):
    """Part of a model is left to Keras: the same result, but slower."""
