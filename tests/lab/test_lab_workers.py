"""The processes that work for the lab end with it."""

import os
import signal
import subprocess
import sys
import time

import pytest

# A server that has started a worker, which reads what the test writes.
SERVER = """
import subprocess, sys, time
worker = subprocess.Popen(
    [sys.executable, "-P", "-m", "firstlight.shells.lab.worker", "data"], stdout=subprocess.DEVNULL
)
print(worker.pid, flush=True)
time.sleep(60)
"""


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{process}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.slow
def test_a_worker_ends_with_a_server_that_was_killed():
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        worker = int(server.stdout.readline())
        time.sleep(2)
        assert is_there(worker)
        server.send_signal(signal.SIGKILL)
        server.wait(10)
        # Its standard input is still open here, so nothing else tells it.
        deadline = time.monotonic() + 20
        while is_there(worker) and time.monotonic() < deadline:
            time.sleep(0.2)
        gone = not is_there(worker)
        if not gone:
            os.kill(worker, signal.SIGKILL)
    assert gone
