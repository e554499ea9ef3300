"""Messages about a run that is looked into: its test images."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from firstlight.shells.lab.messages.base import Count, Request, Word


class AskTested(Request, tag="tested"):
    """Test images of a run, `count` from the `start`-th on, of one class or of all."""

    run: Word
    label: Count | None
    start: Count
    count: Annotated[int, Meta(ge=1, le=120)]
