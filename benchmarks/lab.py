"""How quick the lab is: start, page, clicks while it trains, what each tab is sent, memory.

    python benchmarks/lab.py                  prints the table
    python benchmarks/lab.py --minutes 10     lets it train with 30 tabs for so long

Needs a Chromium and a quiet machine. The last rows compare a training alone with the same one while
a lab and its page follow it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Any

import tables
from playwright.sync_api import BrowserContext, Page, sync_playwright
from websockets import Origin
from websockets.sync.client import ClientConnection, connect

TABS = 30
WINDOW = 8.0  # seconds of a training that are timed with the lab, and as many without it
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu"]
# From the click to the picture that follows it, in milliseconds.
CLICKS = """async () => {
  const radios = [...document.querySelectorAll(".choice input")];
  const times = [];
  for (let k = 0; k < 60; k++) {
    const start = performance.now();
    radios[k % 2].click();
    await new Promise((painted) => requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = painted;
      channel.port2.postMessage(0);
    }));
    times.push(performance.now() - start);
    await new Promise((done) => setTimeout(done, 50));
  }
  return times;
}"""

# From a move of the pen to the painted bars that answer it, in milliseconds.
STROKE = """async () => {
  const pad = document.querySelector(".pad");
  const bars = document.querySelector(".seen .probabilities");
  const box = pad.getBoundingClientRect();
  pad.setPointerCapture = () => {}; // there is no pen of this number
  const pen = (kind, k) => pad.dispatchEvent(new PointerEvent(kind, {
    bubbles: true, pointerId: 1, button: 0,
    clientX: box.left + box.width * (0.5 + 0.2 * Math.sin(k / 8)),
    clientY: box.top + box.height * (0.2 + 0.6 * k / 60),
  }));
  const painted = () => new Promise((done) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = done;
    channel.port2.postMessage(0);
  }));
  const times = [];
  pen("pointerdown", 0);
  for (let k = 1; k <= 60; k++) {
    await new Promise((done) => setTimeout(done, 50));
    const answered = new Promise((done) => {
      const watch = new MutationObserver(() => { watch.disconnect(); done(); });
      watch.observe(bars, { attributes: true, characterData: true, subtree: true });
    });
    const start = performance.now();
    pen("pointermove", k);
    await answered;
    await painted();
    times.push(performance.now() - start);
  }
  pen("pointerup", 60);
  return times;
}"""


class Lab:
    """A lab in an empty folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        begin = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "firstlight", "lab", "--no-browser", "--port", "0"],
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        found = re.search(r"http://(\S+?)/\?token=\S+", self.process.stdout.readline())
        assert found is not None
        self.start_seconds = time.perf_counter() - begin
        self.address, self.host = found[0], found[1]

    def memory(self) -> float:
        """MB that the server holds."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        found = re.search(r"VmRSS:\s+(\d+)", status)
        assert found is not None
        return int(found[1]) / 1024

    def close(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)


def ready(page: Page, go: Any) -> float:
    """Seconds from asking for the page until it can be used."""
    begin = time.perf_counter()
    go()
    page.get_by_role("button", name="mnist").wait_for()
    return time.perf_counter() - begin


def tab(lab: Lab, context: BrowserContext) -> AbstractContextManager[ClientConnection]:
    """A tab without a window."""
    cookie = context.cookies()[0]
    header = {"Cookie": f"{cookie['name']}={cookie['value']}"}
    origin = Origin(f"http://{lab.host}")
    return connect(
        f"ws://{lab.host}/socket", origin=origin, additional_headers=header, max_size=None
    )


def listen(connection: ClientConnection, seconds: float) -> tuple[int, int]:
    """The bytes that a tab is sent in the first and in the second half of so many seconds."""
    begin, came = time.time(), [0, 0]
    while (now := time.time()) < begin + seconds:
        try:
            came[now >= begin + seconds / 2] += len(connection.recv(timeout=1))
        except TimeoutError:
            continue
    return came[0], came[1]


def soak(lab: Lab, context: BrowserContext, minutes: float) -> list[tuple[str, str, str]]:
    """What 30 tabs are sent, and what the server holds, while a network trains."""
    seconds = 60 * minutes
    with ExitStack() as stack:
        tabs = [stack.enter_context(tab(lab, context)) for _ in range(TABS)]
        for one in tabs:
            one.send(json.dumps({"kind": "hello"}))
            one.recv(timeout=10)
        with ThreadPoolExecutor(TABS) as pool:
            list(pool.map(listen, tabs, [10.0] * TABS))
            before = lab.memory()
            counts = list(pool.map(listen, tabs, [seconds] * TABS))
        after = lab.memory()
    rate = max(map(sum, counts)) / seconds
    first, second = (sum(half) for half in zip(*counts, strict=True))
    growth = 100 * (after / before - 1)
    return [
        (f"sent to each of {TABS} tabs while a run trains", f"{rate / 1000:.1f} kB/s", ""),
        (
            "of that in the second half of the time",
            f"{100 * second / (first + second):.0f} %",
            "55 %",
        ),
        ("memory of the server with them", f"{after:.0f} MB", ""),
        (f"its growth in {minutes:g} minutes", f"{growth:.1f} %", "10 %"),
    ]


def in_browser(minutes: float) -> list[tuple[str, str, str]]:
    """Rows of the table: what, measured, limit."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        lab = Lab(folder)
        try:
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            page = context.new_page()
            sizes: list[int] = []
            page.on("response", lambda r: sizes.append(int(r.headers.get("content-length", 0))))
            cold = ready(page, lambda: page.goto(lab.address))
            bytes_cold, requests = sum(sizes), len(sizes)
            warm = ready(page, page.reload)
            page.get_by_role("button", name="mnist").click()
            page.locator(".tiles canvas").first.wait_for(timeout=120_000)
            page.get_by_role("link", name="Train").first.click()
            field = page.get_by_role("textbox", name="Epochs", exact=True)
            field.fill("100000")
            field.press("Enter")
            page.get_by_role("button", name="Start training").click()
            page.get_by_text("images/s").wait_for(timeout=120_000)
            clicks = statistics.median(page.evaluate(CLICKS))
            rows = soak(lab, context, minutes)
            page.get_by_role("button", name="Stop", exact=True).click()
            page.get_by_role("button", name="Resume").wait_for(timeout=60_000)
        finally:
            lab.close()
            browser.close()
    return [
        ("start of the server", f"{lab.start_seconds:.2f} s", "1.5 s"),
        (f"the page, {requests} requests", f"{bytes_cold / 1000:.0f} kB", "250 kB"),
        ("ready, cold", f"{cold:.2f} s", "1 s"),
        ("ready, warm", f"{warm:.2f} s", ""),
        ("from click to paint while a run trains, median", f"{clicks:.0f} ms", "50 ms"),
        *rows,
    ]


def trained(folder: str, name: str) -> None:
    """Train a network for an epoch."""
    command = [sys.executable, "-P", "-m", "firstlight", "train", "mnist", "--name", name]
    subprocess.run([*command, "--quiet"], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def started_by(process: int) -> list[int]:
    """All processes that a process has started, and those that they have started."""
    children = Path(f"/proc/{process}/task").glob("*/children")
    own = [int(child) for task in children for child in task.read_text("ascii").split()]
    return [one for child in own for one in (child, *started_by(child))]


def processor_seconds(processes: list[int]) -> float:
    """What processes have used of the processor."""
    ticks = 0
    for process in processes:
        with suppress(FileNotFoundError):  # it has ended
            numbers = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(numbers[11]) + int(numbers[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def halt_or_go(processes: list[int], what: signal.Signals) -> None:
    """Tell processes."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, what)


def steps_a_second(events: Path, begin: float, end: float) -> float:
    """How quickly a run trained between two times."""
    lines = events.read_text("utf-8").splitlines()[:-1]
    steps = [(e["time"], e["step"]) for e in map(json.loads, lines) if e["kind"] == "step"]
    within = [(time, step) for time, step in steps if begin <= time <= end]
    (first, before), (last, after) = within[0], within[-1]
    return float(after - before) / (last - first)


def pen_to_bars() -> tuple[str, str, str]:
    """How soon the bars follow the pen on the pad."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        trained(folder, "digits")
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        lab = Lab(folder)
        try:
            page = browser.new_page()
            ready(page, lambda: page.goto(lab.address))
            page.get_by_role("link", name="Try it").click()
            page.get_by_text("Draw with mouse").wait_for(timeout=120_000)
            times = page.evaluate(STROKE)
        finally:
            lab.close()
            browser.close()
    return "from the pen to painted bars, median", f"{statistics.median(times):.0f} ms", "60 ms"


def slowed(pairs: int) -> list[tuple[str, str, str]]:
    """How much slower a training is with the lab and a page beside it.

    The same training is timed with both and without: they are halted and let go in turn. Other
    processes of a shared machine, its clock rates and where threads come to lie differ by more
    between two trainings than what is measured here.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    ratios, shares = [], []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        lab = Lab(folder)
        command = [sys.executable, "-P", "-m", "firstlight", "train", "mnist", "--quiet"]
        command += ["--epochs", "100000", "--name", "long"]
        beside: list[int] = []
        training = None
        try:
            page = browser.new_page()
            ready(page, lambda: page.goto(lab.address))
            page.get_by_role("link", name="Train").first.click()
            beside = started_by(os.getpid())
            training = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
            page.get_by_text("images/s").wait_for(timeout=120_000)
            page.wait_for_timeout(5000)
            events = Path(folder) / "runs" / "long" / "events.jsonl"
            own = [training.pid, *started_by(training.pid)]
            for pair in range(pairs):
                rates = {}
                for going in (True, False) if pair % 2 else (False, True):
                    halt_or_go(beside, signal.SIGCONT if going else signal.SIGSTOP)
                    time.sleep(1)  # what has waited is drawn at once
                    begin, used = time.time(), [processor_seconds(one) for one in (beside, own)]
                    time.sleep(WINDOW)
                    rates[going] = steps_a_second(events, begin, time.time())
                    if going:
                        ours, its = (processor_seconds(one) for one in (beside, own))
                        shares.append(100 * (ours - used[0]) / (its - used[1]))
                ratios.append(100 * (rates[False] / rates[True] - 1))
        finally:
            halt_or_go(beside, signal.SIGCONT)
            if training is not None:
                training.terminate()
                training.wait(60)
            lab.close()
            browser.close()
    low, middle, high = statistics.quantiles(ratios, n=4)
    return [
        (
            "processor time of lab and page, beside that of the training that they show",
            f"{statistics.median(shares):.1f} %",
            "5 %",
        ),
        (
            f"how much longer that training takes, median of {pairs} (quartiles)",
            f"{middle:+.1f} % ({low:+.1f} to {high:+.1f})",
            "5 %",
        ),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--pairs", type=int, default=20)
    options = parser.parse_args()
    if options.pairs < 2:
        parser.error("--pairs: quartiles need 2 or more.")
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    where = tables.machine()
    rows = [*in_browser(options.minutes), pen_to_bars(), *slowed(options.pairs)]
    table = tables.table(["what", "measured", "at most"], [list(row) for row in rows])
    print(f"{tables.machine_sentence(where)}\n\n{table}")


if __name__ == "__main__":
    main()
