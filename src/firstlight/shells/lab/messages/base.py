"""What every message of the lab is made of.

msgspec checks every message against these classes while it decodes: types, ranges, lengths,
unknown fields.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Word = Annotated[str, Meta(max_length=64)]
Line = Annotated[str, Meta(max_length=500)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Value = Annotated[int, Meta(ge=-(2**53), le=2**53)] | float | Line | None
Values = Annotated[dict[Word, Value], Meta(max_length=32)]


class Record(Struct, kw_only=True, forbid_unknown_fields=True):
    """What messages are made of."""


class FromPage(Record, tag_field="kind"):
    """What a page says."""


class Request(FromPage):
    """Something that a page asks for; exactly one answer comes, with the same `id`."""

    id: Count


class FromServer(Record, tag_field="kind"):
    """What the server says."""


class News(FromServer):
    """A message of the stream that every page gets; `number` counts up by one."""

    number: int


class Resync(FromServer, tag="resync"):
    """The page was too slow and messages were dropped: it has to say `Hello` anew."""


class Answer(FromServer):
    """The answer to the request of that `id`."""

    id: int


class Done(Answer, tag="done"):
    """It was done."""


class Refusal(Answer, tag="refused"):
    """It was not done; the sentence says why, and what to do."""

    sentence: str
