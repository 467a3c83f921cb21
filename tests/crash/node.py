"""The broker that is killed: a process on a data directory that outlives it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from conformance.rabbitmq import RabbitMQ
from load_generator.session import Endpoint, Session
from load_generator.wire import LoadError
from tests.crash.link import HOST

START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 30.0
_POLL_S: Final = 0.02
LOG_TAIL_BYTES: Final = 4_000
WITHOUT_MANAGEMENT: Final = "management: {listeners: [], metrics_listeners: []}\n"
"""Its ports are ten thousand above that of AMQP: somebody may have them."""


class NodeError(AssertionError):
    """The broker did not start, or ended by itself."""


class Killable(Protocol):
    """A broker that a kill loop can end and start again on the same data."""

    @property
    def port(self) -> int:
        """Where it listens on the loopback."""

    def start(self) -> None:
        """Start it, and do not wait."""

    def wait_until_ready(self) -> None:
        """Return once a client has logged in."""

    def kill(self) -> None:
        """End it by SIGKILL."""

    def stop(self) -> int:
        """End it by SIGTERM; return its exit code."""

    def log_tail(self) -> str:
        """Return the end of its log."""


class RabbitNode:
    """Debian's RabbitMQ, which tests the loop itself, because its losses are known."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._broker = RabbitMQ(port)
        self._is_started = False

    def start(self) -> None:
        """Start it on the data of the last one."""
        if self._is_started:
            self._broker.start_again()
        else:
            self._broker.__enter__()
        self._is_started = True

    def wait_until_ready(self) -> None:
        """Return at once: ``start`` has waited."""

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._broker.kill()

    def stop(self) -> int:
        """End it, and remove its data."""
        self._broker.stop()
        return 0

    def log_tail(self) -> str:
        """Return nothing: its log is not kept."""
        return ""


class Node:
    """A HareMQ on a data directory, started again and again.

    Args:
        folder: gets ``data``, ``haremq.yaml`` and ``broker.log``; exists.
        port: where it listens on the loopback.
        settings: text of its settings file; it may be changed before the next start.
        environment: variables beside our own.
    """

    def __init__(
        self, folder: Path, port: int, settings: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.port = port
        self.folder = folder
        self.data = folder / "data"
        self.log_path = folder / "broker.log"
        self._environment = dict(environment or {})
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str]:
        """Return the command."""
        program = [sys.executable, "-m", "amqp_server", "start"]
        options = ["--bind", HOST, "--port", str(self.port), "--data-dir", str(self.data)]
        return [*program, "--config", str(self.folder / "haremq.yaml"), *options]

    @property
    def pid(self) -> int:
        """The process that runs, or ran last."""
        assert self._process is not None, "it was started"
        return self._process.pid

    def start(self) -> None:
        """Start the process, and do not wait for it."""
        assert self._process is None or self._process.poll() is not None, "it runs already"
        rest = "" if "management:" in self.settings else f"\n{WITHOUT_MANAGEMENT}"
        (self.folder / "haremq.yaml").write_text(self.settings + rest, encoding="utf-8")
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Return once a client has logged in.

        Raises:
            NodeError: the process ended, or took longer than START_TIMEOUT_S.
        """
        assert self._process is not None, "it was started"
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline_s:
            if self._process.poll() is not None:
                break
            try:
                Session(Endpoint(HOST, self.port, "guest", "guest", "/")).close()
            except (OSError, LoadError):
                time.sleep(_POLL_S)
            else:
                return
        raise NodeError(f"it does not start: {self._process.poll()}\n{self.log_tail()}")

    def log_tail(self) -> str:
        """Return the end of its log."""
        return self.log_path.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")

    def kill(self) -> None:
        """End it by SIGKILL.

        Raises:
            NodeError: it had ended before.
        """
        assert self._process is not None, "it was started"
        if self._process.poll() is not None:
            raise NodeError(f"it ended by itself: {self._process.returncode}\n{self.log_tail()}")
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def wait(self, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """Return its exit code once it has ended by itself."""
        assert self._process is not None, "it was started"
        return self._process.wait(timeout_s)

    def stop(self) -> int:
        """End it by SIGTERM, unless it has ended, and return its exit code."""
        assert self._process is not None, "it was started"
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        return self._process.returncode
