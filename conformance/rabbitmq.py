"""Starts Debian's rabbitmq-server on loopback, with data of its own, and ends it by its pid.

``python -m conformance.rabbitmq --port 5699`` runs until interrupted, ``with RabbitMQ(5699)`` for
the block. Each one has its own node name, Erlang distribution port and data, so that several can
run at once. epmd and every listener are bound to 127.0.0.1. The first that runs starts epmd and
ends it: Erlang's ERL_EPMD_PORT gives those of another process an epmd of their own.
"""

import argparse
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from conformance.address import Address
from conformance.client import Connection

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 20.0
TOOL_TIMEOUT_S = 60.0
HTTP_PORT_OFFSET = 10000
DISTRIBUTION_PORT_OFFSET = 20000

EPMD_PORT = "4369"
"""Of Erlang's port mapper, unless the environment says something else."""

CONFIG = """\
listeners.tcp.local = 127.0.0.1:{port}
loopback_users.guest = true
log.console = false
disk_free_limit.absolute = 50MB
load_definitions = {definitions}
management.tcp.ip = 127.0.0.1
management.tcp.port = {http_port}
"""
TLS_CONFIG = """\
listeners.ssl.local = 127.0.0.1:{port}
ssl_options.certfile = {certificate}
ssl_options.keyfile = {key}
ssl_options.verify = verify_none
"""
PLUGINS = (
    "rabbitmq_management",
    "rabbitmq_consistent_hash_exchange",
    "rabbitmq_random_exchange",
    "rabbitmq_recent_history_exchange",
    "rabbitmq_sharding",
    "rabbitmq_shovel",
    "rabbitmq_shovel_management",
    "rabbitmq_federation",
    "rabbitmq_federation_management",
)
"""The HTTP API, exchange types, what moves messages between brokers.

Debian's ``rabbitmq_sharding`` has ``x-modulus-hash``.
"""
STREAM_PLUGINS = ("rabbitmq_stream", "rabbitmq_stream_management")
"""The stream protocol, and its routes of the HTTP API."""

STREAM_CONFIG = """\
stream.listeners.tcp.1 = 127.0.0.1:{stream_port}
stream.advertised_host = localhost
stream.advertised_port = {stream_port}
"""
METRICS_CONFIG = """\
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = {metrics_port}
"""
ALARM_CONFIG = "vm_memory_high_watermark.absolute = 1KB\n"
DEFINITIONS = Path(__file__).with_name("definitions.json")


def epmd_port() -> str:
    """Return the port of the port mapper that brokers of this process have."""
    return os.environ.get("ERL_EPMD_PORT", EPMD_PORT)


class Tls(NamedTuple):
    """The TLS port, and the PEM files of the certificate and its key."""

    port: int
    certificate: Path
    key: Path


class RabbitMQ:
    """A broker that lives as long as the ``with`` block.

    Args:
        port: its port on 127.0.0.1; its HTTP API listens 10000 above, its Erlang distribution
            20000 above.
        in_alarm: give it so little memory that it blocks publishers from the start.
        tls: listen with TLS too; None is without.
        stream_port: where it speaks the stream protocol; None is without.
        metrics_port: where Prometheus asks for metrics; None is without.
        cookie: of Erlang, which nodes of one cluster share; None is one of its own.
    """

    def __init__(
        self,
        port: int,
        *,
        in_alarm: bool = False,
        tls: Tls | None = None,
        stream_port: int | None = None,
        metrics_port: int | None = None,
        cookie: str | None = None,
    ) -> None:
        self.port = port
        self.stream_port = stream_port
        self.metrics_port = metrics_port
        self._tls = tls
        self._cookie = cookie
        self._in_alarm = in_alarm
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._epmd: subprocess.Popen[bytes] | None = None

    @property
    def has(self) -> frozenset[str]:
        """Its set-up, in the names that checks use."""
        return frozenset({"admin", "http", "alarm"} if self._in_alarm else {"admin", "http"})

    @property
    def uri(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"

    @property
    def node_name(self) -> str:
        """Its name in Erlang, which ``rabbitmqctl join_cluster`` takes."""
        return f"conformance{self.port}@localhost"

    def __enter__(self) -> Self:
        """Start it and wait until a login works.

        Raises:
            FileNotFoundError: Debian's rabbitmq-server is not installed.
            TimeoutError: it did not come up in time.
        """
        if not SERVER.exists():
            raise FileNotFoundError(f"{SERVER}: install Debian's rabbitmq-server")
        self._directory = Path(tempfile.mkdtemp(prefix="conformance-rabbitmq-"))
        try:
            if self._cookie is not None:
                cookie = self._directory / ".erlang.cookie"
                cookie.write_text(self._cookie, encoding="ascii")
                cookie.chmod(0o400)
            self._start(self._directory)
            self._await_login()
        except BaseException:
            self.stop()
            raise
        return self

    def _start_epmd(self) -> None:
        """Start Erlang's port mapper if none runs; the server would start one that stays."""
        port = epmd_port()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", int(port)), 1.0):
            return
        self._epmd = subprocess.Popen(
            ["epmd", "-address", "127.0.0.1", "-port", port],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _start(self, directory: Path) -> None:
        self._start_epmd()
        config = directory / "rabbitmq.conf"
        config.write_text(
            CONFIG.format(
                port=self.port,
                http_port=self.port + HTTP_PORT_OFFSET,
                definitions=DEFINITIONS,
            )
            + (
                STREAM_CONFIG.format(stream_port=self.stream_port)
                if self.stream_port is not None
                else ""
            )
            + (
                METRICS_CONFIG.format(metrics_port=self.metrics_port)
                if self.metrics_port is not None
                else ""
            )
            + (ALARM_CONFIG if self._in_alarm else "")
            + (TLS_CONFIG.format(**self._tls._asdict()) if self._tls is not None else "")
        )
        plugins = directory / "plugins"
        names = [
            *PLUGINS,
            *(STREAM_PLUGINS if self.stream_port is not None else ()),
            *(("rabbitmq_prometheus",) if self.metrics_port is not None else ()),
        ]
        plugins.write_text(f"[{','.join(names)}].")
        with (directory / "output").open("wb") as output:
            self._process = subprocess.Popen(
                [SERVER],
                env={
                    "PATH": os.environ.get("PATH", os.defpath),
                    "LANG": "C.UTF-8",
                    "HOME": str(directory),
                    "RABBITMQ_NODENAME": self.node_name,
                    "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
                    "RABBITMQ_LOG_BASE": str(directory / "log"),
                    "RABBITMQ_CONFIG_FILE": str(config),
                    "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
                    "RABBITMQ_DIST_PORT": str(self.port + DISTRIBUTION_PORT_OFFSET),
                    "ERL_EPMD_ADDRESS": "127.0.0.1",
                    "ERL_EPMD_PORT": epmd_port(),
                    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                        "-kernel inet_dist_use_interface {127,0,0,1}"
                    ),
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # In one process group, the script, the emulator and its helpers end together.
                start_new_session=True,
            )

    def _await_login(self) -> None:
        assert self._process is not None, "the broker has been started"
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline_s:
            assert self._process.poll() is None, "rabbitmq-server ended while starting"
            with (
                contextlib.suppress(OSError, AssertionError),
                Connection(Address.of(self.uri)) as own,
            ):
                own.open()
                return
            time.sleep(0.25)
        raise TimeoutError("rabbitmq-server did not come up in time")

    def tool(self, name: str, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run one of its command-line tools on it; return what it said.

        Args:
            name: such as ``rabbitmqctl``.
            words: of its command line.
        """
        assert self._directory is not None, "the broker has been started"
        return subprocess.run(
            [SERVER.with_name(name), *words],
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                "LANG": "C.UTF-8",
                "HOME": str(self._directory),
                "RABBITMQ_NODENAME": self.node_name,
                "ERL_EPMD_PORT": epmd_port(),
                "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._directory / "plugins"),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=TOOL_TIMEOUT_S,
        )

    def owns(self, pid: int) -> bool:
        """Return whether a process belongs to this broker."""
        assert self._process is not None, "the broker has been started"
        return os.getpgid(pid) == self._process.pid

    def kill(self) -> None:
        """End it by SIGKILL; its data stays for ``start_again``."""
        assert self._process is not None, "the broker has been started"
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        # The emulator is a child of the script, so init waits for it, not this process.
        with contextlib.suppress(ProcessLookupError):
            while True:
                os.killpg(self._process.pid, 0)
                time.sleep(0.01)

    def start_again(self) -> None:
        """Start it on its old data; raises the same as ``__enter__``."""
        assert self._directory is not None, "the broker has been started"
        self._start(self._directory)
        self._await_login()

    def stop(self) -> None:
        """End it and remove its data; without a start, do nothing."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._process = None
        if self._epmd is not None:
            self._epmd.terminate()
            self._epmd.wait()
            self._epmd = None
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def main() -> int:
    """Run a broker until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m conformance.rabbitmq", description=__doc__)
    parser.add_argument("--port", type=int, default=5699, help="port on 127.0.0.1 [%(default)s]")
    parser.add_argument("--alarm", action="store_true", help="with the memory alarm on")
    parser.add_argument("--stream-port", type=int, help="port of the stream protocol [none]")
    parser.add_argument("--metrics-port", type=int, help="port of the metrics [none]")
    parser.add_argument("--tls-port", type=int, help="port with TLS; needs the two below")
    parser.add_argument("--certificate", type=Path, help="PEM file")
    parser.add_argument("--key", type=Path, help="PEM file")
    arguments = parser.parse_args()
    tls = None
    if arguments.tls_port is not None:
        if arguments.certificate is None or arguments.key is None:
            parser.error("--tls-port needs --certificate and --key")
        tls = Tls(arguments.tls_port, arguments.certificate, arguments.key)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with RabbitMQ(
        arguments.port,
        in_alarm=arguments.alarm,
        tls=tls,
        stream_port=arguments.stream_port,
        metrics_port=arguments.metrics_port,
    ) as broker:
        print(f"rabbitmq-server is up: {broker.uri}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main())
