"""The brokers that are compared; they run already, or run only for the comparison."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from benchmarks import certificate
from benchmarks.scenarios import Durability
from load_generator import processes
from load_generator.session import Endpoint, Session
from load_generator.tls import TlsOptions
from load_generator.wire import LoadError

START_TIMEOUT_S: Final = 60.0
END_TIMEOUT_S: Final = 30.0
WITHOUT_MANAGEMENT: Final = "management: {listeners: [], metrics_listeners: []}\n"
PORTS: Final = range(25_800, 25_900)
"""Below the ports that the kernel gives to outgoing connections."""
TLS_PORT_OFFSET: Final = 200
STREAM_PORT_OFFSET: Final = 300
DISTRIBUTION_PORT_OFFSET: Final = 20_000
"""Added to the port, it gives the port of Erlang's distribution (``conformance.rabbitmq``)."""
_POLL_S: Final = 0.1
_LOG_TAIL_BYTES: Final = 2_000

HAREMQ: Final = "HareMQ"
RABBITMQ: Final = "RabbitMQ"
RELAY: Final = "relay"
"""Not a broker, but the upper limit of a broker's speed; see ``benchmarks.relay``."""

_MODULES: Final = {
    HAREMQ: "amqp_server",
    RABBITMQ: "conformance.rabbitmq",
    RELAY: "benchmarks.relay",
}


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker that answers.

    Attributes:
        name: its name in the report.
        endpoint: its address.
        pid: the process that listens there; None if this user cannot see it.
        durability: of its persistent messages.
        tls_endpoint: its address with TLS; None if unknown.
        stream_endpoint: its address for the stream protocol; None if unknown.
    """

    name: str
    endpoint: Endpoint
    pid: int | None
    durability: Durability = Durability.OS
    tls_endpoint: Endpoint | None = None
    stream_endpoint: Endpoint | None = None

    def over_tls(self) -> "Broker":
        """Return the same broker at its port with TLS.

        Raises:
            LoadError: it has none.
        """
        if self.tls_endpoint is None:
            raise LoadError(f"{self.name} has no port with TLS here")
        return replace(self, endpoint=self.tls_endpoint)

    def stream_port(self) -> Endpoint:
        """Return its address for the stream protocol.

        Raises:
            LoadError: it has none.
        """
        if self.stream_endpoint is None:
            raise LoadError(f"{self.name} has no port for the stream protocol here")
        return self.stream_endpoint

    def cpu_s(self) -> float | None:
        """Return the CPU seconds it has used so far; None if unknown."""
        return None if self.pid is None else processes.cpu_s(self.pid)

    def descriptor_count(self) -> int | None:
        """Return how many files it has open; None if unknown. Sockets are none."""
        return None if self.pid is None else processes.open_file_count(self.pid)

    def rss_bytes(self) -> int | None:
        """Return its resident memory; None if unknown."""
        return None if self.pid is None else processes.rss_bytes(self.pid)


def at(name: str, uri: str, durability: Durability) -> Broker:
    """Return the broker that listens at ``uri`` already.

    Args:
        name: its name in the report.
        uri: its address.
        durability: the class that HareMQ was started with; RabbitMQ's classic queues have ``os``.

    Raises:
        LoadError: no broker listens there, or it refuses the login.
    """
    endpoint = Endpoint.parse(uri)
    _check_login(name, endpoint)
    pid = processes.listener_pid(endpoint.port)
    return Broker(name, endpoint, pid, durability_of(name, durability))


def durability_of(name: str, durability: Durability) -> Durability:
    """Return the class of a broker's persistent messages; ``durability`` is HareMQ's."""
    return durability if name == HAREMQ else Durability.OS


@contextmanager
def started(name: str, durability: Durability) -> Iterator[Broker]:
    """Start one of them on a free port of the loopback, and end it with the block.

    Args:
        name: of the broker.
        durability: of HareMQ's persistent messages.

    Raises:
        LoadError: it does not start, or does not listen within START_TIMEOUT_S.
    """
    module = _MODULES[name]
    try:
        found = find_spec(module)
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise LoadError(f"{name}: there is no module {module} to start it with")
    endpoint = Endpoint("127.0.0.1", free_port(), "guest", "guest", "/")
    tls_endpoint = stream_endpoint = None
    if name != RELAY:
        stream_port = endpoint.port + STREAM_PORT_OFFSET
        stream_endpoint = endpoint._replace(port=stream_port, speaks_streams=True)
        tls_port = endpoint.port + TLS_PORT_OFFSET
        tls_endpoint = endpoint._replace(port=tls_port, tls=TlsOptions(verifies=False))
    with tempfile.TemporaryDirectory(prefix="haremq-benchmark-") as directory:
        options = _options(name, Path(directory), durability, endpoint, tls_endpoint)
        command = [sys.executable, "-m", module, *options]
        log_path = Path(directory) / "output.log"
        with log_path.open("wb") as log, _process(command, directory, log.fileno()) as process:
            _await_listener(name, endpoint, process, log_path)
            _check_login(name, endpoint)
            pid = processes.listener_pid(endpoint.port)
            of_class = durability_of(name, durability)
            yield Broker(name, endpoint, pid, of_class, tls_endpoint, stream_endpoint)


def _options(
    name: str,
    directory: Path,
    durability: Durability,
    endpoint: Endpoint,
    tls_endpoint: Endpoint | None,
) -> list[str]:
    """Return the options of a broker's start; its certificate is made in the directory."""
    if tls_endpoint is None:
        return ["--port", str(endpoint.port)]
    files = certificate.made_in(directory)
    if name == RABBITMQ:
        stream_port = endpoint.port + STREAM_PORT_OFFSET
        named = (files.certificate_file, files.key_file, tls_endpoint.port)
        texts = map(str, (*named, stream_port, endpoint.port))
        options = ("--certificate", "--key", "--tls-port", "--stream-port", "--port")
        return [word for pair in zip(options, texts, strict=True) for word in pair]
    listeners = (
        f"net:\n  tls: {{certificate_file: {files.certificate_file}, key_file: {files.key_file}}}\n"
        f"  listeners: [{{port: {endpoint.port}}}, {{port: {tls_endpoint.port}, tls: true}},"
        f" {{port: {endpoint.port + STREAM_PORT_OFFSET}, protocol: stream}}]\n"
    )
    return ["start", *haremq_options(directory, durability, listeners)]


def haremq_options(directory: Path, durability: Durability, more: str = "") -> list[str]:
    """Write HareMQ's settings into a directory, and return its options; its data are there too.

    Args:
        directory: of its own.
        durability: of persistent messages.
        more: other sections of the settings file; without ``management`` there is no HTTP API.
    """
    settings = directory / "haremq.yaml"
    # Brokers of several runs at once would want the same port of the HTTP API.
    management = "" if "management:" in more else WITHOUT_MANAGEMENT
    text = f"persistence: {{durability: {durability}}}\n{management}{more}"
    settings.write_text(text, encoding="utf-8")
    return ["--config", str(settings), "--data-dir", str(directory / "data")]


@contextmanager
def _process(command: list[str], directory: str, log: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in a directory of its own; interrupt it, then kill it, when the block ends."""
    # The broker must find our packages though it starts in its own directory.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        # We pass on an interrupt from the terminal ourselves, after the workers have ended.
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_listener(
    name: str, endpoint: Endpoint, process: subprocess.Popen[bytes], log_path: Path
) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline_s:
        if process.poll() is not None:
            tail = log_path.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()
            raise LoadError(f"{name} ended with status {process.returncode}: {tail}")
        with contextlib.suppress(OSError):
            socket.create_connection((endpoint.host, endpoint.port), timeout=1).close()
            return
        time.sleep(_POLL_S)
    raise LoadError(f"{name} does not listen after {START_TIMEOUT_S:.0f} s")


def _check_login(name: str, endpoint: Endpoint) -> None:
    try:
        Session(endpoint).close()
    except (OSError, LoadError) as error:
        where = f"{endpoint.host}:{endpoint.port}"
        raise LoadError(f"{name} at {where} cannot be used: {error}") from error


def free_port() -> int:
    """Return a free port, if the ports that RabbitMQ uses above it are free too.

    Each process begins its search at another port. Else two processes might find the same free
    port, or the port of a broker that was killed and will start again.
    """
    first = os.getpid() % len(PORTS)
    for number in range(len(PORTS)):
        port = PORTS[(first + number) % len(PORTS)]
        offsets = (0, TLS_PORT_OFFSET, STREAM_PORT_OFFSET, DISTRIBUTION_PORT_OFFSET)
        if all(_is_free(port + offset) for offset in offsets):
            return port
    raise LoadError(f"no free port from {PORTS.start} to {PORTS.stop - 1}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
