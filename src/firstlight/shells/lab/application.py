"""The lab's routes: the page and its files, uploads, what is taken out, and the WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import mimetypes
from collections.abc import AsyncIterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from firstlight.core.errors import FirstlightError
from firstlight.core.files import write_error
from firstlight.core.run_folder import find_run
from firstlight.shells.lab.guard import REPORT_POLICY, Guard, Session
from firstlight.shells.lab.lab import Lab
from firstlight.shells.lab.messages import FromTab, Hello
from firstlight.shells.lab.opened_runs import trained_run
from firstlight.shells.lab.places import open_part
from firstlight.shells.lab.stream import Tab

MOST_TABS = 64
PATIENCE = 30.0  # seconds that a page may take to read a message, or to say hello

_decode = msgspec.json.Decoder(FromTab).decode


def make_application(folder: Path, runs: Path, session: Session, hosts: frozenset[str]) -> ASGIApp:
    """The lab as an ASGI application, guarded.

    Args:
        folder: where the lab was started; data are chosen below.
        runs: the folder of runs.
        session: who may use it.
        hosts: the exact values of `Host` that are answered.
    """
    lab = Lab(folder, runs)
    pages = Pages(files("firstlight.shells.lab") / "static")

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await lab.open()
        yield
        await lab.close()

    async def socket(websocket: WebSocket) -> None:
        await _serve_page(lab, websocket)

    async def upload(request: Request) -> Response:
        return await _take_file(lab, request)

    async def export(request: Request) -> Response:
        return _hand_over(lab, **request.path_params)

    async def report(request: Request) -> Response:
        return await asyncio.to_thread(_report, lab.runs, request.path_params["run"])

    routes = [
        WebSocketRoute("/socket", socket),
        Route("/upload/{upload}/{path:path}", upload, methods=["POST"]),
        Route("/export/{run}/{form}/{name}", export, methods=["GET"]),
        Route("/report/{run}", report, methods=["GET"]),
        Route("/{name:path}", pages.answer, methods=["GET"]),
    ]
    return Guard(Starlette(routes=routes, lifespan=lifespan), session, hosts)


class Pages:
    """The built front end, held in memory: no request ever names a file of the disk."""

    def __init__(self, folder: Traversable) -> None:
        self._files = dict(_files(folder, ""))
        self._tags = {name: _tag(content) for name, content in self._files.items()}

    async def answer(self, request: Request) -> Response:
        """One file."""
        name = request.path_params["name"] or "index.html"
        if name not in self._files:
            return PlainTextResponse("There is no such page.", 404)
        tag = self._tags[name]
        headers = {"etag": tag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Response(self._files[name], headers=headers, media_type=kind)


def _files(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    """Every file below a folder with its path."""
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _files(entry, f"{prefix}{entry.name}/")
        else:
            found.append((prefix + entry.name, entry.read_bytes()))
    return found


def _tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


async def _take_file(lab: Lab, request: Request) -> Response:
    """Write one uploaded file; it appears whole or not at all."""
    names = request.path_params
    try:
        target = await asyncio.to_thread(lab.places.upload_file, names["upload"], names["path"])
        try:
            part, file = await asyncio.to_thread(open_part, target)
            try:
                with file:
                    async for block in request.stream():
                        await asyncio.to_thread(file.write, block)
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            raise write_error(target, error) from error
    except FirstlightError as error:
        return JSONResponse({"sentence": str(error)}, 400)
    return JSONResponse({})


def _hand_over(lab: Lab, run: str, form: str, name: str) -> Response:
    """A file that was made out of a run, to be saved."""
    path = lab.exports.file(run, form, name)
    if path is None:
        return PlainTextResponse("This was not made here: make it first.", 404)
    return FileResponse(path, filename=name, media_type="application/octet-stream")


def _report(runs: Path, run: str) -> Response:
    """The report of a run, as a page that can do nothing."""
    try:
        page = find_run(trained_run(runs, run).path, runs).page
    except FirstlightError as error:
        return PlainTextResponse(str(error), 404)
    if not page.is_file():
        return PlainTextResponse(f"Run {run} has no report yet: wait until it has finished.", 404)
    headers = {"content-security-policy": REPORT_POLICY}
    return FileResponse(page, headers=headers, media_type="text/html; charset=utf-8")


async def _serve_page(lab: Lab, websocket: WebSocket) -> None:
    """Send one page what is new, and answer what it asks, until either side goes."""
    if len(lab.stream.tabs) >= MOST_TABS:
        await websocket.close(1013)
        return
    await websocket.accept()
    tab = Tab()
    lab.stream.tabs.add(tab)
    sending = asyncio.create_task(_send(tab, websocket))
    answering = asyncio.create_task(_answer(lab, tab, websocket))
    try:
        await asyncio.wait([sending, answering], return_when=asyncio.FIRST_COMPLETED)
    finally:
        lab.stream.tabs.discard(tab)
        for task in (sending, answering):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await websocket.close(1008)


async def _send(tab: Tab, websocket: WebSocket) -> None:
    with contextlib.suppress(WebSocketDisconnect, TimeoutError, RuntimeError):
        while True:
            message = await tab.waiting.get()
            await asyncio.wait_for(websocket.send_text(message.decode()), PATIENCE)


async def _answer(lab: Lab, tab: Tab, websocket: WebSocket) -> None:
    """Answer the page's messages in order; one that the page would not send ends it."""
    greeted = False
    with contextlib.suppress(WebSocketDisconnect, TimeoutError, msgspec.DecodeError, KeyError):
        while True:
            text = await asyncio.wait_for(websocket.receive_text(), None if greeted else PATIENCE)
            message = _decode(text)
            if isinstance(message, Hello):
                lab.welcome(tab, message)
                greeted = True
            elif not greeted:
                return
            else:
                tab.send(await lab.answer(message))
