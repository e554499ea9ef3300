"""Starting the lab: an address on this machine, and the server behind it."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from firstlight.core.errors import SettingError
from firstlight.shells.lab.application import make_application
from firstlight.shells.lab.guard import LARGEST_HEAD, Session

PORT = 8474
ADDRESS = "127.0.0.1"
LARGEST_MESSAGE = 64 << 10  # bytes that a page may send at a time
CONNECTIONS = 256
FIRST_WORDS = 10.0  # seconds in which a connection has to ask for something
NEXT_WORDS = 10  # seconds in which it has to ask for the next thing
TOO_LARGE = 431  # the status of headers that are too large


class Connection(H11Protocol):
    """A connection that is closed where nothing is asked for: idle ones must not add up."""

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._asked = False
        self.loop.call_later(FIRST_WORDS, self._close_idle, transport)

    def _close_idle(self, transport: Any) -> None:
        # A WebSocket has a protocol of its own by then.
        if not self._asked and transport.get_protocol() is self:
            transport.close()

    def handle_events(self) -> None:
        """Take in what has come."""
        super().handle_events()
        self._asked = self._asked or self.scope is not None

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or headers too large to wait for their end.

        uvicorn says 400 to both; the guard says 431 where such headers come all at once.
        """
        large = getattr(sys.exception(), "error_status_hint", None) == TOO_LARGE
        words = "The headers are too large." if large else msg
        headers = [("content-type", "text/plain; charset=utf-8"), ("connection", "close")]
        for event in (
            h11.Response(status_code=TOO_LARGE if large else 400, headers=headers),
            h11.Data(data=words.encode()),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event))
        self.transport.close()


def serve(folder: Path, runs: Path, port: int | None, ready: Callable[[str], None]) -> None:
    """Serve the lab until the process is told to stop.

    Args:
        folder: where data are chosen.
        runs: the folder of runs.
        port: None takes 8474, or where that is taken any free one.
        ready: called with the address to open once the server answers.

    Raises:
        SettingError: the port is taken.
    """
    listening = _listen(port)
    number = listening.getsockname()[1]
    session = Session(number)
    hosts = frozenset({f"{ADDRESS}:{number}", f"localhost:{number}"})
    config = uvicorn.Config(
        make_application(folder, runs, session, hosts),
        http=Connection,
        ws="websockets-sansio",
        ws_max_size=LARGEST_MESSAGE,
        ws_per_message_deflate=False,
        h11_max_incomplete_event_size=LARGEST_HEAD,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=NEXT_WORDS,
        timeout_graceful_shutdown=2,
        proxy_headers=False,
        server_header=False,
        log_level="error",
        log_config=None,
        access_log=False,
    )
    server = Server(config, lambda: ready(f"http://{ADDRESS}:{number}/?token={session.token}"))
    server.run(sockets=[listening])


class Server(uvicorn.Server):
    """uvicorn's server, which says when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        if self.started:
            self._ready()


def _listen(port: int | None) -> socket.socket:
    """A socket on the loopback address alone."""
    wanted = [PORT, 0] if port is None else [port]
    for number in wanted:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((ADDRESS, number))
            return listening
        except OSError:
            listening.close()
    raise SettingError(f"port {port} is taken: choose another --port, or leave it out.")
