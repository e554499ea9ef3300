"""Attacks on the lab over HTTP and WebSocket: every one is refused, and nothing comes of it."""

import json
import socket
from pathlib import Path

import pytest
from lab_attack import Attack
from lab_attacks import ATTACKS, attempts
from lab_client import LabProcess
from websockets.exceptions import ConnectionClosed

PAGE = Path(__file__).resolve().parents[2] / "docs/lab-security.md"


def outcome(lab: LabProcess, attack: Attack) -> str:
    """What came of it."""
    if attack.request is not None:
        status, came = lab.raw(attack.request(lab))
        assert b"do not read this" not in came
        assert b"Traceback" not in came
        return str(status) if status else "closed"
    with lab.tab(hello=attack.hello) as tab:
        try:
            if isinstance(attack.says, bytes):
                tab.connection.socket.sendall(attack.says)
            else:
                tab.say(attack.says)
            answer = tab.hear(timeout=10)
        except ConnectionClosed:
            return "closed"
        assert "secret" not in json.dumps(answer.get("entries", ""))
        assert attack.because in answer.get("sentence", "")
        return answer["kind"]


@pytest.mark.parametrize(
    "attack", ATTACKS, ids=[f"{one.group}: {one.words}"[:80] for one in ATTACKS]
)
def test_an_attack_is_refused(lab: LabProcess, attack: Attack) -> None:
    assert outcome(lab, attack) == attack.outcome


def test_large_headers_are_refused_before_their_end_has_come(lab: LabProcess) -> None:
    with socket.create_connection(("127.0.0.1", lab.port), timeout=10) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {lab.host}\r\nA: ".encode() + b"x" * 20_000)
        assert connection.recv(65536).startswith(b"HTTP/1.1 431 ")


def test_nothing_has_come_of_all_the_attacks(lab: LabProcess) -> None:
    assert len(ATTACKS) >= 100
    assert lab.process.poll() is None
    status, headers, page = lab.get("/")
    assert (status, b"<script" in page) == (200, True)
    assert "default-src 'none'" in headers["content-security-policy"]
    with lab.tab() as tab:
        document = tab.snapshot["document"]
        assert (document["revision"], document["source"], tab.snapshot["runs"]) == (0, None, [])
    written = {path.name for path in lab.folder.parent.rglob("*") if not path.is_dir()}
    assert written <= {
        *("secret.csv", "halves.npz", "pipe.npz", "link", "out"),
        *("run.json", "model.keras", "report.html", "away", "first.keras"),
    }


def test_the_page_lists_every_attack() -> None:
    assert attempts() in PAGE.read_text("utf-8"), (
        "docs/lab-security.md is not up to date: "
        "python -c 'import lab_attacks; print(lab_attacks.attempts())' in tests/lab makes its end"
    )
