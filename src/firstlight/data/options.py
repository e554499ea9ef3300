"""Options that a source has no use for: refused, since a silent one would be taken for obeyed."""

from __future__ import annotations

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
