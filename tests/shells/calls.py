"""Reading what a command asked of the api."""

from typing import Any


def only_call(calls: list[Any]) -> Any:
    assert len(calls) == 1
    return calls[0]
