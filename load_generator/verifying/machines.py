"""A cluster of processes on this machine: what is started, killed, frozen and cut, by names.

What its nodes are is said by who derives from it, and where they are by a ``Network``.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from load_generator import wire
from load_generator.session import Endpoint, Session
from load_generator.verifying.cluster import Ability
from load_generator.verifying.processes import signal_all
from load_generator.wire import FieldValue, LoadError

PORT: Final = 5672
STREAM_PORT: Final = 5552
LOG_TAIL_BYTES: Final = 3_000
DECLARE_S: Final = 60.0
STOP_S: Final = 60.0
COMPLAINT: Final = re.compile(r" (ERROR|CRITICAL) (?!.* was lost$)|^Traceback ")
"""An error or exception in a log; that a lease was lost is what many faults are for."""
STREAM_ARGUMENTS: Final[Mapping[str, FieldValue]] = {"x-queue-type": "stream"}
POLL_S: Final = 0.1


class Network(Protocol):
    """Addresses of nodes and stores on this machine, and what can be done to their links.

    Attributes:
        addresses: where each listens, by name.
        has_loss, has_limits: whether packets can be lost, and links be slowed.
    """

    addresses: dict[str, str]
    has_loss: bool
    has_limits: bool

    def reached_at(self, name: str) -> str:
        """Return where the others reach it."""

    def prefix(self, name: str) -> list[str]:
        """Return the words in front of its command."""

    def environment(self, name: str) -> dict[str, str]:
        """Return the variables that its command needs."""

    def pids(self, name: str) -> list[int]:
        """Return its processes."""

    def end_all(self, name: str) -> None:
        """End its processes by SIGKILL, and return when they are gone."""

    def serves(self, name: str, ports: Iterable[int]) -> None:
        """Make ports of it that others connect to such as can be cut."""

    def cut(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Let nothing through from the first to the second of each pair."""

    def lose(self, names: Iterable[str], percent: int) -> None:
        """Lose so many of the packets that these get from each other."""

    def limit(self, names: Iterable[str], kbit_per_s: int) -> None:
        """Let these say no more than that."""

    def heal(self) -> None:
        """Undo all of it."""

    def close(self) -> None:
        """End all processes, and what is between them."""


MakeNetwork: TypeAlias = Callable[[Sequence[str]], Network]


class Machines(ABC):
    """Nodes and stores, each with an address and a folder of its own; fits ``Cluster``.

    Attributes:
        nodes, stores: their names.
        folder: of all of them.
        network: of their addresses.
        queue_arguments: with which queues are declared.
        speaks_streams: whether nodes listen for the stream protocol.
    """

    queue_arguments: Mapping[str, FieldValue] = {}
    speaks_streams = False

    def __init__(
        self, folder: Path, node_count: int, store_count: int, network: MakeNetwork
    ) -> None:
        """Make their folders; nothing is started.

        Args:
            folder: to make them in.
            node_count: how many nodes.
            store_count: how many stores.
            network: makes one of all names.
        """
        self.nodes: Sequence[str] = [f"n{number}" for number in range(1, node_count + 1)]
        self.stores: Sequence[str] = [f"e{number}" for number in range(1, store_count + 1)]
        self.folder = folder
        self.network = network([*self.nodes, *self.stores])
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        for name in (*self.nodes, *self.stores):
            self.place(name).mkdir()

    @property
    def abilities(self) -> frozenset[Ability]:
        """What can be done to it here."""
        has_links = len(self.nodes) > 1
        found = {Ability.CUT} if has_links else set()
        if has_links and self.network.has_limits:
            found.add(Ability.SLOW_LINK)
        if has_links and self.network.has_loss:
            found.add(Ability.LOSSY_LINK)
        if self.stores:
            found.add(Ability.STORE)
        return frozenset(found)

    def place(self, name: str) -> Path:
        """Return the folder of a node or store."""
        return self.folder / name

    def address(self, name: str) -> str:
        """Return where it listens."""
        return self.network.addresses[name]

    @abstractmethod
    def command(self, name: str) -> tuple[Sequence[str], Mapping[str, str]]:
        """Return the command of a node or store, and its environment."""

    def endpoint(self, node: str) -> Endpoint:
        """Return where clients connect to a node, as guest."""
        return Endpoint(self.address(node), PORT, "guest", "guest", "/")

    def stream_endpoint(self, node: str) -> Endpoint | None:
        """Return where a node speaks the stream protocol; None: it does not."""
        if not self.speaks_streams:
            return None
        return self.endpoint(node)._replace(port=STREAM_PORT, speaks_streams=True)

    def leader_of(self, queue: str) -> str | None:
        """Return the node that leads a queue; None: nobody says."""
        del queue
        return None

    def declare(self, queue: str, *, is_stream: bool = False) -> None:
        """Declare a durable queue or stream; raises OSError or LoadError if that fails for long."""
        deadline_s = time.monotonic() + DECLARE_S
        arguments = STREAM_ARGUMENTS if is_stream else self.queue_arguments
        request = wire.queue_declare(1, queue, arguments, durable=True)
        while True:
            try:
                with Session(self.endpoint(self.nodes[0])) as session:
                    session.call(request, wire.QUEUE_DECLARE_OK)
            except (OSError, LoadError):
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(0.5)
            else:
                return

    def launch_all(self, ready_s: float) -> None:
        """Start all, and wait until each serves; raises TimeoutError after so many seconds."""
        for name in (*self.stores, *self.nodes):
            self.start(name)
        for name in (*self.stores, *self.nodes):
            self.wait_until_ready(name, ready_s)

    def is_running(self, name: str) -> bool:
        """Return whether its process is there."""
        process = self._processes.get(name)
        return process is not None and process.poll() is None

    def start(self, name: str) -> None:
        """Start it, unless it runs."""
        if self.is_running(name):
            return
        words, environment = self.command(name)
        with (self.place(name) / "log").open("ab") as log:
            self._processes[name] = subprocess.Popen(  # noqa: S603 - as who derives says
                [*self.network.prefix(name), *words],
                env={
                    "PATH": os.environ.get("PATH", os.defpath),
                    "LANG": "C.UTF-8",
                    **environment,
                    **self.network.environment(name),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """End it by SIGKILL, with all its processes."""
        self.network.end_all(name)
        if name in self._processes:
            self._processes[name].wait()

    def stop(self, name: str) -> None:
        """End it by SIGTERM; raises TimeoutError."""
        process = self._processes[name]
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"{name} does not end\n{self.log_tail(name)}") from error

    def freeze(self, name: str) -> None:
        """Stop all its processes by SIGSTOP."""
        signal_all(self.network.pids(name), signal.SIGSTOP)

    def freeze_lease(self, node: str) -> None:
        """Is not to be had here."""
        raise NotImplementedError

    def thaw(self, name: str) -> None:
        """Let all its processes go on."""
        signal_all(self.network.pids(name), signal.SIGCONT)

    def wait_until_ready(self, name: str, timeout_s: float) -> None:
        """Return once it serves; raises TimeoutError where it ends, or takes too long."""
        deadline_s = time.monotonic() + timeout_s
        while not self.is_ready(name):
            if not self.is_running(name):
                raise TimeoutError(f"{name} has ended by itself\n{self.log_tail(name)}")
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{name} does not serve\n{self.log_tail(name)}")
            time.sleep(POLL_S)

    def is_ready(self, name: str) -> bool:
        """Return whether a client can log in."""
        try:
            Session(self.endpoint(name), timeout_s=5.0).close()
        except (OSError, LoadError):
            return False
        return True

    def log_tail(self, name: str) -> str:
        """Return the end of its log."""
        return (self.place(name) / "log").read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")

    def complaints(self) -> list[str]:
        """Return what nodes have written of errors and exceptions, each line with the node."""
        return [
            f"{node}: {line.strip()}"
            for node in self.nodes
            if (self.place(node) / "log").exists()
            for line in (self.place(node) / "log").read_text(errors="replace").splitlines()
            if COMPLAINT.search(line)
        ]

    def keep_logs(self, folder: Path) -> None:
        """Copy the logs of all to a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in (*self.nodes, *self.stores):
            if (self.place(name) / "log").exists():
                shutil.copy(self.place(name) / "log", folder / f"{name}.log")

    def cut(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Let nothing through from the first to the second of each pair."""
        self.network.cut(pairs)

    def lose(self, names: Iterable[str], percent: int) -> None:
        """Lose so many of the packets that these get from each other."""
        self.network.lose(names, percent)

    def limit(self, names: Iterable[str], kbit_per_s: int) -> None:
        """Let these say no more than that."""
        self.network.limit(names, kbit_per_s)

    def heal(self) -> None:
        """Undo ``cut``, ``lose`` and ``limit``."""
        self.network.heal()

    def wipe(self, node: str) -> None:
        """Take the disk of a node away that is down."""
        assert not self.is_running(node), "a disk is taken from a node that is down"
        shutil.rmtree(self.place(node) / "data", ignore_errors=True)

    def slow_disk(self, node: str, delay_ms: int) -> None:
        """Is not to be had here."""
        raise NotImplementedError

    def shift_clock(self, node: str, shift_ms: int) -> None:
        """Is not to be had here."""
        raise NotImplementedError

    def close(self) -> None:
        """End everything."""
        self.network.close()
        for process in self._processes.values():
            process.wait()
