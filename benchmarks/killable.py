"""Brokers that are killed and started again on their own data."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from benchmarks.brokers import (
    HAREMQ,
    RABBITMQ,
    STREAM_PORT_OFFSET,
    Broker,
    durability_of,
    free_port,
    haremq_options,
)
from benchmarks.scenarios import Durability
from conformance.rabbitmq import RabbitMQ
from load_generator import processes
from load_generator.session import Endpoint, Session
from load_generator.wire import LoadError

START_TIMEOUT_S: Final = 300.0
END_TIMEOUT_S: Final = 60.0
_POLL_S: Final = 0.01


class _Process(Protocol):
    def start(self) -> None:
        """Start on the present data, and return when a login works."""

    def owns(self, pid: int) -> bool:
        """Return whether a process is one of this broker's."""

    def kill(self) -> None:
        """End by SIGKILL."""

    def stop(self) -> None:
        """End in order."""


class Killable:
    """A broker that can be killed and started again."""

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        durability: Durability,
        own: _Process,
        stream_port: int | None = None,
    ) -> None:
        self._name = name
        self._endpoint = endpoint
        self._durability = durability
        self._own = own
        self._stream_endpoint = (
            None
            if stream_port is None
            else endpoint._replace(port=stream_port, speaks_streams=True)
        )

    def broker(self) -> Broker:
        """Return the broker as it runs now.

        Raises:
            LoadError: another process took its port while it was dead.
        """
        pid = processes.listener_pid(self._endpoint.port)
        if pid is not None and not self._own.owns(pid):
            raise LoadError(f"process {pid} has taken port {self._endpoint.port} meanwhile")
        return Broker(
            self._name,
            self._endpoint,
            pid,
            self._durability,
            stream_endpoint=self._stream_endpoint,
        )

    def start(self) -> float:
        """Start it, and return the seconds until a login worked.

        Raises:
            LoadError: it did not come up.
        """
        begin_s = time.monotonic()
        self._own.start()
        return time.monotonic() - begin_s

    def kill(self) -> None:
        """End it by SIGKILL; its data stay."""
        self._own.kill()


@contextmanager
def killable(
    name: str, durability: Durability, *, speaks_streams: bool = False, settings: str = ""
) -> Iterator[Killable]:
    """Return a broker that has not been started; it ends with the block.

    Args:
        name: of the broker.
        durability: of HareMQ's persistent messages.
        speaks_streams: it has a port for the stream protocol too.
        settings: other sections of HareMQ's settings file.
    """
    endpoint = Endpoint("127.0.0.1", free_port(), "guest", "guest", "/")
    stream_port = endpoint.port + STREAM_PORT_OFFSET if speaks_streams else None
    with tempfile.TemporaryDirectory(prefix="haremq-benchmark-") as directory:
        own: _Process
        if name == HAREMQ:
            own = _HareMQ(Path(directory), endpoint, durability, stream_port, settings)
        else:
            assert name == RABBITMQ, "there is no other"
            own = _RabbitMQ(endpoint.port, stream_port)
        try:
            yield Killable(name, endpoint, durability_of(name, durability), own, stream_port)
        finally:
            own.stop()


def measure_each(
    names: Sequence[str], durability: Durability, measure: Callable[[Killable], None]
) -> int:
    """Start and measure some brokers, one after another; print the error of one that fails.

    Args:
        names: of the brokers, in lower case.
        durability: of HareMQ's persistent messages.
        measure: gets a broker that runs.

    Returns:
        0, or 1 if one could not be measured.
    """
    for name in (HAREMQ, RABBITMQ):
        if name.lower() not in names:
            continue
        try:
            with killable(name, durability) as own:
                own.start()
                measure(own)
        except (LoadError, OSError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
    return 0


class _HareMQ:
    def __init__(
        self,
        directory: Path,
        endpoint: Endpoint,
        durability: Durability,
        stream_port: int | None,
        settings: str,
    ) -> None:
        ports = ["--port", str(endpoint.port)]
        if stream_port is not None:
            # A command line has one port, so both are in the settings.
            ports = []
            settings += (
                f"net:\n  listeners: [{{port: {endpoint.port}}},"
                f" {{port: {stream_port}, protocol: stream}}]\n"
            )
        options = [*ports, *haremq_options(directory, durability, settings)]
        self._command = [sys.executable, "-m", "amqp_server", "start", *options]
        self._log = directory / "output.log"
        self._endpoint = endpoint
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline_s and self._process.poll() is None:
            with contextlib.suppress(OSError, LoadError):
                Session(self._endpoint).close()
                return
            time.sleep(_POLL_S)
        tail = self._log.read_bytes()[-2_000:].decode(errors="replace")
        raise LoadError(f"HareMQ does not start: {self._process.poll()}: {tail}")

    def owns(self, pid: int) -> bool:
        assert self._process is not None, "it was started"
        return pid == self._process.pid

    def kill(self) -> None:
        assert self._process is not None, "it was started"
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()


class _RabbitMQ:
    def __init__(self, port: int, stream_port: int | None) -> None:
        self._broker = RabbitMQ(port, stream_port=stream_port)
        self._has_run = False

    def start(self) -> None:
        if self._has_run:
            self._broker.start_again()
        else:
            self._broker.__enter__()
        self._has_run = True

    def owns(self, pid: int) -> bool:
        return self._broker.owns(pid)

    def kill(self) -> None:
        self._broker.kill()

    def stop(self) -> None:
        self._broker.stop()
