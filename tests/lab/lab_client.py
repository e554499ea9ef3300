"""What tests speak to a lab with: raw requests, and a WebSocket."""

import http.client
import json
import socket
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect


@dataclass
class LabProcess:
    folder: Path
    port: int
    token: str
    process: subprocess.Popen
    cookie: str = ""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        return f"http://{self.host}/?token={self.token}"

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    def sign_in(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", f"/?token={self.token}")
        answer = connection.getresponse()
        assert answer.status == 303
        self.cookie = answer.headers["set-cookie"].partition(";")[0]
        connection.close()

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path, headers={"Cookie": self.cookie} | headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, {key.lower(): value for key, value in answer.headers.items()}, body

    def raw(self, request: bytes) -> tuple[int, bytes]:
        """The status of the answer to these bytes and all that came; 0: closed without one."""
        came = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            with suppress(ConnectionError):
                connection.sendall(request)
            with suppress(ConnectionError):
                while block := connection.recv(65536):
                    came += block
        status = came.split(b" ", 2)[1] if came.startswith(b"HTTP/1.1 ") else b"0"
        return int(status), came

    def upload(self, tab: "Tab", files: dict[str, bytes], keep: bool = False) -> str:
        """Bring files; the upload's name."""
        name = tab.ask("upload", name="mine", keep=keep)["upload"]
        for path, content in files.items():
            head = (
                f"POST /upload/{name}/{path} HTTP/1.1\r\nHost: {self.host}\r\n"
                f"Origin: http://{self.host}\r\nCookie: {self.cookie}\r\n"
                f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
            )
            assert self.raw(head.encode() + content)[0] == 200
        return name

    @contextmanager
    def tab(self, hello: bool = True, **told: Any):
        headers = {"Cookie": self.cookie}
        address = f"ws://{self.host}/socket"
        with connect(
            address, origin=f"http://{self.host}", additional_headers=headers, max_size=None
        ) as connection:
            yield Tab(connection, hello, told)


class Tab:
    """One page: asks, and keeps what it is told."""

    def __init__(self, connection: ClientConnection, hello: bool, told: dict[str, Any]) -> None:
        self.connection = connection
        self.news: list[dict[str, Any]] = []
        self._id = 0
        if hello:
            self.say({"kind": "hello", **told})
        self.snapshot = self.hear() if hello and not told else {}

    def say(self, message: Any) -> None:
        self.connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    def hear(self, timeout: float = 30) -> dict[str, Any]:
        return json.loads(self.connection.recv(timeout))

    def ask(self, kind: str, **values: Any) -> dict[str, Any]:
        """The answer; news that come before it are kept."""
        self._id += 1
        self.say({"kind": kind, "id": self._id, **values})
        while True:
            message = self.hear()
            if message.get("id") == self._id:
                return message
            self.news.append(message)

    def until(self, wanted: Any, timeout: float = 60) -> dict[str, Any]:
        """The first piece of news that is wanted, from those kept on."""
        while True:
            message = self.news.pop(0) if self.news else self.hear(timeout)
            if wanted(message):
                return message

    @property
    def revision(self) -> int:
        return int(self.snapshot["document"]["revision"])
