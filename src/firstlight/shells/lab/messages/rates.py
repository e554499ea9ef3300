"""Messages about the search for a learning rate."""

from __future__ import annotations

from typing import Literal

from firstlight.core.range_test import RangeTest
from firstlight.shells.lab.messages.base import Count, News, Record, Request


class RateSearch(Record):
    """How far the search for a learning rate is.

    Attributes:
        sentence: why there is no suggestion, or "".
        about: what was trained with.
        steps: how many there are at most.
        rates, losses: of each step so far.
        found: the result, once there is one.
    """

    state: Literal["none", "running", "finished", "failed"] = "none"
    sentence: str = ""
    about: str = ""
    steps: int = 0
    rates: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()
    found: RangeTest | None = None


class FindRate(Request, tag="find-rate"):
    """Look for a learning rate for what the document says; a search that runs is given up."""

    revision: Count


class GiveUpRate(Request, tag="give-up-rate"):
    """Give up the search that runs."""


class RateChanged(News, tag="rate"):
    """How far the search is."""

    search: RateSearch
