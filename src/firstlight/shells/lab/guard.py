"""What stands before every route: who may ask, from where, and how much.

Pure ASGI, so that bytes are counted and strangers refused before anything is routed or read.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firstlight.shells.lab.choices import UPLOAD_BYTES

LONGEST_TARGET = 2048  # bytes of path and query
LARGEST_HEAD = 16 << 10  # bytes of a request's headers
SLOWEST = 20.0  # seconds without a byte of a body
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A report is a page of its own: it runs nothing, loads nothing, and brings its style along. It may
# come from a stranger, so it counts as a page of nobody (`sandbox`).
REPORT_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
ASK_AGAIN = (
    "This page belongs to whoever started `firstlight lab`. Open the address that it has printed "
    "in the terminal; each works once. For another one, start it again."
)


class Session:
    """The right to use one lab: a token that works once, and the cookie that it becomes.

    Args:
        port: in the cookie's name, since cookies do not know of ports.
    """

    def __init__(self, port: int) -> None:
        self.token = secrets.token_urlsafe(32)
        self.cookie_name = f"firstlight-lab-{port}"
        self.cookie = secrets.token_urlsafe(32)
        self._unused = True

    def exchange(self, token: str) -> bool:
        """Whether this is the token; from then on it is none any more."""
        right = self._unused and _equal(token, self.token)
        self._unused = self._unused and not right
        return right

    def knows(self, headers: Headers) -> bool:
        """Whether the request carries the cookie, once."""
        given = [
            value.strip().partition("=")
            for line in headers.getlist("cookie")
            for value in line.split(";")
        ]
        ours = [value for name, _, value in given if name == self.cookie_name]
        return len(ours) == 1 and _equal(ours[0], self.cookie)


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())


class TooLargeError(Exception):
    """More bytes have come than may."""


class TooSlowError(Exception):
    """No bytes have come for too long."""


class Guard:
    """Refuses what does not come from the lab's own page, and limits what does.

    Args:
        app: what is guarded.
        session: who may use it.
        hosts: the exact values of `Host` that are answered.
    """

    def __init__(self, app: ASGIApp, session: Session, hosts: frozenset[str]) -> None:
        self._app = app
        self._session = session
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or one WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if scope["type"] == "websocket":
            if refusal is None:
                await self._app(scope, receive, send)
            else:
                # Before it is accepted, this becomes the answer 403.
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            return
        send = _with_headers(send)
        if refusal is None and scope["path"] == "/" and scope["query_string"]:
            refusal = self._sign_in(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._limited(scope, receive, send, headers)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Why a request is not answered; None where it is."""
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return PlainTextResponse("This Host is not the lab's.", 421)
        own = f"http://{hosts[0]}"
        writes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if (writes or origins) and origins != [own]:
            return PlainTextResponse("This Origin is not the lab's.", 403)
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return PlainTextResponse("Another site asked for this.", 403)
        if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_TARGET:
            return PlainTextResponse("The address is too long.", 414)
        if sum(len(name) + len(value) for name, value in scope["headers"]) > LARGEST_HEAD:
            return PlainTextResponse("The headers are too large.", 431)
        signs_in = scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == "/"
        if not self._session.knows(headers) and not (signs_in and scope["query_string"]):
            return PlainTextResponse(ASK_AGAIN, 401)
        return None

    def _sign_in(self, scope: Scope) -> Response:
        """Take the token out of the address and put a cookie into the browser."""
        query = parse_qsl(scope["query_string"].decode("latin-1"))
        if len(query) == 1 and query[0][0] == "token" and self._session.exchange(query[0][1]):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(
                self._session.cookie_name, self._session.cookie, httponly=True, samesite="strict"
            )
            return answer
        if self._session.knows(Headers(scope=scope)):
            return RedirectResponse("/", 303)
        return PlainTextResponse(ASK_AGAIN, 401)

    async def _limited(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        """Pass a request on with its bytes counted, however they come."""
        most = UPLOAD_BYTES if scope["path"].startswith("/upload/") else 0
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdecimal() or int(length[:20]) > most:
            await PlainTextResponse("This is too large.", 413)(scope, receive, send)
            return
        if "content-length" in headers and "transfer-encoding" in headers:
            # Two readers could take such a body for two different requests.
            await PlainTextResponse("This has two lengths.", 400)(scope, receive, send)
            return
        came, begun = 0, False
        stopped: TooLargeError | TooSlowError | None = None

        async def counted() -> Message:
            nonlocal came, stopped
            try:
                message = await asyncio.wait_for(receive(), SLOWEST)
            except TimeoutError:
                stopped = TooSlowError()
                raise stopped from None
            came += len(message.get("body", b""))
            if came > most:
                stopped = TooLargeError()
                raise stopped
            return message

        async def noted(message: Message) -> None:
            nonlocal begun
            # Starlette makes a 500 of our own error: what it was is said below.
            if stopped is None:
                begun = True
                await send(message)

        try:
            if most == 0:
                await _drain(counted)
            await self._app(scope, counted, noted)
        except (TooLargeError, TooSlowError):
            if begun:
                raise
            large = isinstance(stopped, TooLargeError)
            answer = PlainTextResponse(
                "This is too large." if large else "This came too slowly.",
                413 if large else 408,
                {"connection": "close"},
            )
            await answer(scope, receive, send)


async def _drain(receive: Receive) -> None:
    """Read a body that has to be empty."""
    while (message := await receive()).get("more_body"):
        assert message["type"] == "http.request"


def _with_headers(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return with_headers
