"""A broker under test: HareMQ as a process of its own, started the way its users start it."""

import contextlib
import socket
import sys
from pathlib import Path
from typing import Final

from tests.clients.support.deadlines import wait_until
from tests.clients.support.programs import Program
from tests.support.ports import free_port

HOST: Final = "127.0.0.1"
START_TIMEOUT_S: Final = 60.0
WITHOUT_MANAGEMENT: Final = "management: {listeners: [], metrics_listeners: []}\n"
"""Its ports are ten thousand above that of AMQP: somebody may have them."""


def accepts(port: int) -> bool:
    """Return whether a TCP connection to ``port`` of the loopback is taken."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


class Server:
    """One running HareMQ with a data directory of its own; port 0 takes a free one.

    ``settings`` is the text of its settings file; empty leaves every default. ``has_listeners``
    says that it has the listeners, with ``port`` among them.
    """

    def __init__(
        self,
        data_directory: Path,
        port: int = 0,
        settings: str = "",
        *,
        has_listeners: bool = False,
    ) -> None:
        settings_file = data_directory / "haremq.yaml"
        settings_file.parent.mkdir(parents=True, exist_ok=True)
        rest = "" if "management:" in settings else f"\n{WITHOUT_MANAGEMENT}"
        settings_file.write_text(settings + rest, encoding="utf-8")
        self.port = port or free_port()
        self.uri = f"amqp://guest:guest@{HOST}:{self.port}/%2F"
        self.program = Program(
            [
                sys.executable,
                "-m",
                "amqp_server",
                "start",
                *("--config", str(settings_file)),
                *(() if has_listeners else ("--port", str(self.port), "--bind", HOST)),
                *("--data-dir", str(data_directory / "data")),
            ]
        )

    def wait_until_it_accepts(self) -> None:
        """Return once clients can connect.

        Raises:
            AssertionError: the process ended, or nobody listened in time.
        """
        wait_until(
            lambda: accepts(self.port) or not self.program.is_running,
            "the broker's port to accept",
            START_TIMEOUT_S,
        )
        assert self.program.is_running, f"the broker ended at once:\n{self.program.output}"

    def stop(self) -> str:
        """Stop it by SIGTERM and return its log.

        Raises:
            AssertionError: it did not end within 10 s, ended other than with 0, or its
                log has a traceback.
        """
        code = self.program.stop()
        log = self.program.output
        assert code == 0, f"the broker ended with {code}:\n{log}"
        assert "Traceback" not in log, f"the broker logged a fault of its own:\n{log}"
        return log
