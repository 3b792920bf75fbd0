"""Processes of the suite: perdure servers and workers that get killed."""

import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request


def free_port() -> int:
    """A port below those that systems give to clients, so that it is still free at a restart."""
    while True:
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", random.randrange(15000, 30000)))
                return s.getsockname()[1]
            except OSError:
                continue


class Server:
    """A `perdure server` process of its own, on an address that it keeps over restarts."""

    def __init__(self, binary: str):
        self._binary = binary
        self._folder = tempfile.TemporaryDirectory(prefix="perdure-sdk-")
        self.address = f"127.0.0.1:{free_port()}"
        self._log = open(os.path.join(self._folder.name, "server.log"), "ab")
        self._process: subprocess.Popen | None = None
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._binary, "server", "--data", os.path.join(self._folder.name, "data"), "--addr", self.address],
            stdout=self._log, stderr=subprocess.STDOUT)
        until = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"http://{self.address}/api/v1/runs?limit=1", timeout=10).close()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise AssertionError(f"the server does not come up:\n{self.log()}") from None
                time.sleep(0.02)

    def kill(self) -> None:
        """Ends the process as a power cut would, with kill -9."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        self.kill()
        self._log.close()
        self._folder.cleanup()

    def log(self) -> str:
        with open(self._log.name, errors="replace") as f:
            return f.read()[-4000:]

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class WorkerProcess:
    """A worker in a process of its own, for groups that no other worker serves."""

    def __init__(self, address: str, *groups: str, hub: str = ""):
        self._process = subprocess.Popen(
            [sys.executable, os.path.join(os.path.dirname(__file__), "worker.py"), address, hub, *groups])

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> "WorkerProcess":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.kill()


def until(condition, what: str, timeout: float = 20):
    """Polls until the condition holds and returns what it returned."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(0.02)
