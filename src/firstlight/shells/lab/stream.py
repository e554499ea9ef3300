"""The numbered stream of news, and the pages (tabs) that follow it."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable

import msgspec

from firstlight.shells.lab.messages.base import FromServer, News, Resync

KEPT = 1000  # messages, for pages that come back
WAITING = 300  # messages that may wait for one page

_encode = msgspec.json.Encoder().encode


class Tab:
    """One page: what waits to be sent to it, never more than `WAITING` messages."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[bytes] = asyncio.Queue(WAITING)
        # A page hears nothing before it has said what it knows already.
        self.listening = False

    def send(self, message: FromServer) -> None:
        """Let a message wait for this page alone."""
        self.offer(_encode(message))

    def offer(self, message: bytes) -> None:
        """Let a message wait; where too many wait, they are dropped and the page is told so."""
        try:
            self.waiting.put_nowait(message)
        except asyncio.QueueFull:
            while not self.waiting.empty():
                self.waiting.get_nowait()
            self.listening = False
            self.waiting.put_nowait(_encode(Resync()))


class Stream:
    """News for every page, numbered without a gap.

    Attributes:
        name: another one after each start of the server, whose numbers begin anew.
        number: of the last message.
    """

    def __init__(self) -> None:
        self.name = secrets.token_hex(8)
        self.number = 0
        self.tabs: set[Tab] = set()
        self._kept: deque[bytes] = deque(maxlen=KEPT)

    def publish(self, make: Callable[..., News], **values: object) -> None:
        """Number a message, keep it for a while, and give it to every page that listens."""
        self.number += 1
        message = _encode(make(number=self.number, **values))
        self._kept.append(message)
        for tab in self.tabs:
            if tab.listening:
                tab.offer(message)

    def welcome(self, tab: Tab, stream: str, after: int, snapshot: Callable[[], News]) -> None:
        """Bring a page up to date: with what it has missed, or else with everything."""
        missed = self.number - after
        tab.listening = True
        if stream == self.name and 0 <= missed <= min(len(self._kept), WAITING // 2):
            for message in list(self._kept)[len(self._kept) - missed :]:
                tab.offer(message)
        else:
            tab.send(snapshot())
