"""One attempt against the lab, and the requests that attempts are made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab_client import LabProcess

Request = Callable[[LabProcess], bytes]
# A folder as a lab makes them for what is taken out, made by nobody.
PLANTED = "0123456789abcdef"


@dataclass(frozen=True)
class Attack:
    """One attempt.

    Attributes:
        group, words: what is tried, for the table.
        outcome: the HTTP status; `closed`: the connection ends without an answer; `refused`: a
            sentence says why not.
        request: the bytes of an HTTP request (or handshake), or None.
        says: what is said over a WebSocket: a message, or raw bytes of frames.
        hello: whether the page says hello first.
        because: what the sentence of a refusal has to say.
    """

    group: str
    words: str
    outcome: str
    request: Request | None = None
    says: Any = None
    hello: bool = True
    because: str = ""


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def http(
    method: str = "GET", path: str = "/", body: bytes = b"", **changed: str | list[str] | None
) -> Request:
    """A request with the right headers, but for those that are changed (None: left out)."""

    def make(lab: LabProcess) -> bytes:
        headers: dict[str, Any] = {"Host": lab.host, "Cookie": lab.cookie}
        if method != "GET" or "Upgrade" in changed:
            headers["Origin"] = f"http://{lab.host}"
        if body and "Transfer_Encoding" not in changed:
            headers["Content-Length"] = str(len(body))
        for name, value in changed.items():
            headers[name.replace("_", "-")] = value
        lines = [f"{method} {path} HTTP/1.1"]
        for name, value in headers.items():
            given = value if isinstance(value, list) else [value]
            lines += [f"{name}: {one}" for one in given if one is not None]
        head = "\r\n".join([*lines, "Connection: close" * ("Upgrade" not in changed)]).rstrip()
        head = head.replace("PORT", str(lab.port)).replace("COOKIE", lab.cookie)
        return f"{head}\r\n\r\n".encode("latin-1") + body

    return make


def post(path: str = "/upload/there/a.npz", body: bytes = b"x", **changed: Any) -> Request:
    return http("POST", path, body, **changed)


def handshake(**changed: Any) -> Request:
    upgrade = {name.replace("-", "_"): value for name, value in UPGRADE.items()}
    return http("GET", changed.pop("path", "/socket"), **upgrade | changed)


def plain(request: bytes) -> Request:
    def make(lab: LabProcess) -> bytes:
        return request.replace(b"HOST", lab.host.encode()).replace(b"COOKIE", lab.cookie.encode())

    return make


def token(lab: LabProcess) -> bytes:
    return http(path=f"/?token={lab.token}", Cookie=None)(lab)
