"""Options that a source has no use for: refused, since a silent one would be taken for obeyed."""

from __future__ import annotations

from firstlight.core.dataset import Collection, Dataset
from firstlight.core.errors import SettingError
from firstlight.core.settings import DataSettings

COLUMNS = (
    *("image_column", "target", "split_column", "group_column"),
    *("side", "keep", "balance", "by", "report_by"),
)


def refuse_columns(
    settings: DataSettings, what: str, remedy: str, columns: tuple[str, ...] = COLUMNS
) -> None:
    """Refuse options that name columns where the source has none.

    Args:
        settings: as the user gave them.
        what: says of the source why it has no such columns.
        remedy: what to do besides leaving the option out.
        columns: the fields of the settings that the source has no use for.

    Raises:
        SettingError: naming the first of `columns` that was given.

    Example:
        >>> refuse_columns(DataSettings(size=28), "a folder has no columns", "write a table")
    """
    for column in columns:
        if getattr(settings, column):
            option = "--" + column.replace("_", "-")
            raise SettingError(
                f"{option} names a column of a table or of arrays, but {what}: leave {option} "
                f"out, or {remedy}."
            )


def refuse_hdu(settings: DataSettings, what: str) -> None:
    """Refuse `--hdu` where there is no FITS file.

    Args:
        settings: as the user gave them.
        what: says of the source that it holds none.

    Raises:
        SettingError: it was given.

    Example:
        >>> refuse_hdu(DataSettings(), "a .npy file is none")
    """
    if settings.hdu is not None:
        raise SettingError(f"--hdu names a part of a FITS file, but {what}: leave it out.")


def refuse_report_by(settings: DataSettings, collection: Collection | Dataset) -> None:
    """Refuse `--report-by` where there are no errors to divide.

    Raises:
        SettingError: it was given, and the images have classes.

    Example:
        >>> from firstlight.data.builtin import read_mnist
        >>> refuse_report_by(DataSettings(), read_mnist(DataSettings()))
    """
    if settings.report_by and collection.task == "classify":
        raise SettingError(
            f"--report-by divides the errors of measured numbers, but {collection.name} has "
            "classes: leave it out, or say --task measure where the classes are numbers."
        )
