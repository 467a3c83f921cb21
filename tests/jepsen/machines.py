"""What all clusters here have alike: processes that are started, killed and frozen."""

import os
import re
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from load_generator import wire
from load_generator.session import Endpoint, Session
from load_generator.verifying.cluster import Ability
from load_generator.verifying.loopback import Loopback
from load_generator.verifying.processes import signal_all
from load_generator.wire import FieldValue, LoadError
from tests.jepsen.namespaces import Network

PORT: Final = 5672
LOG_TAIL_BYTES: Final = 3_000
DECLARE_S: Final = 60.0
STOP_S: Final = 60.0
COMPLAINT: Final = re.compile(r" (ERROR|CRITICAL) (?!.* was lost$)|^Traceback ")
"""An error or exception in a log; that a lease was lost is what many faults are for."""
DELAY_SOURCE: Final = Path(__file__).with_name("slow_disk.c")


MakeNetwork: TypeAlias = Callable[[Sequence[str]], Network | Loopback]


class Machines(ABC):
    """Nodes and stores, each with an address and a folder of its own."""

    queue_arguments: Mapping[str, FieldValue] = {}

    def __init__(
        self, folder: Path, node_count: int, store_count: int = 0, network: MakeNetwork = Network
    ) -> None:
        self.nodes: Sequence[str] = [f"n{number}" for number in range(1, node_count + 1)]
        self.stores: Sequence[str] = [f"e{number}" for number in range(1, store_count + 1)]
        self.folder = folder
        self.network = network([*self.nodes, *self.stores])
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._frozen: set[str] = set()
        for name in (*self.nodes, *self.stores):
            self.place(name).mkdir()

    @property
    def abilities(self) -> frozenset[Ability]:
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
        return self.network.addresses[name]

    @abstractmethod
    def command(self, name: str) -> tuple[Sequence[str], Mapping[str, str]]:
        """Return the command of a node or store, and its environment."""

    def endpoint(self, node: str) -> Endpoint:
        return Endpoint(self.address(node), PORT, "guest", "guest", "/")

    def leader_of(self, queue: str) -> str | None:
        return None

    def declare(self, queue: str) -> None:
        deadline_s = time.monotonic() + DECLARE_S
        request = wire.queue_declare(1, queue, self.queue_arguments, durable=True)
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
        for name in (*self.stores, *self.nodes):
            self.start(name)
        for name in (*self.stores, *self.nodes):
            self.wait_until_ready(name, ready_s)

    def is_running(self, name: str) -> bool:
        process = self._processes.get(name)
        return process is not None and process.poll() is None

    def start(self, name: str) -> None:
        if self.is_running(name):
            return
        words, environment = self.command(name)
        with (self.place(name) / "log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
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
        self._frozen.discard(name)
        self.network.end_all(name)
        if name in self._processes:
            self._processes[name].wait()

    def stop(self, name: str) -> None:
        process = self._processes[name]
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"{name} does not end\n{self.log_tail(name)}") from error

    def freeze(self, name: str) -> None:
        self._frozen.add(name)
        signal_all(self.network.pids(name), signal.SIGSTOP)

    def freeze_lease(self, node: str) -> None:
        raise NotImplementedError

    def thaw(self, name: str) -> None:
        self._frozen.discard(name)
        signal_all(self.network.pids(name), signal.SIGCONT)

    def wait_until_ready(self, name: str, timeout_s: float) -> None:
        deadline_s = time.monotonic() + timeout_s
        while not self.is_ready(name):
            if not self.is_running(name):
                raise TimeoutError(f"{name} has ended by itself\n{self.log_tail(name)}")
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{name} does not serve\n{self.log_tail(name)}")
            time.sleep(0.1)

    def is_ready(self, name: str) -> bool:
        try:
            Session(self.endpoint(name), timeout_s=5.0).close()
        except (OSError, LoadError):
            return False
        return True

    def log_tail(self, name: str) -> str:
        return (self.place(name) / "log").read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")

    def complaints(self) -> list[str]:
        """Return what nodes have written of errors and exceptions, each line with the node."""
        return [
            f"{node}: {line.strip()}"
            for node in self.nodes
            for line in (self.place(node) / "log").read_text(errors="replace").splitlines()
            if COMPLAINT.search(line)
        ]

    def keep_logs(self, folder: Path) -> None:
        """Copy the logs of all to a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in (*self.nodes, *self.stores):
            shutil.copy(self.place(name) / "log", folder / f"{name}.log")

    def cut(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.network.cut(pairs)

    def lose(self, names: Iterable[str], percent: int) -> None:
        self.network.lose(names, percent)

    def limit(self, names: Iterable[str], kbit_per_s: int) -> None:
        self.network.limit(names, kbit_per_s)

    def heal(self) -> None:
        self.network.heal()

    def wipe(self, node: str) -> None:
        assert not self.is_running(node), "a disk is taken from a node that is down"
        shutil.rmtree(self.place(node) / "data", ignore_errors=True)

    def slow_disk(self, node: str, delay_ms: int) -> None:
        """The library that ``build_delay`` made reads the number at every sync."""
        (self.place(node) / "delay").write_text(f"{delay_ms}\n", encoding="utf-8")

    def shift_clock(self, node: str, shift_ms: int) -> None:
        (self.place(node) / "shift").write_text(f"{shift_ms}\n", encoding="utf-8")

    def close(self) -> None:
        """End everything."""
        self.network.close()
        for process in self._processes.values():
            process.wait()


def build_delay(folder: Path) -> Path | None:
    """Compile the library that delays syncs and shifts clocks; None: there is no compiler."""
    if shutil.which("gcc") is None:
        return None
    library = folder / "slow_disk.so"
    options = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(library)]
    subprocess.run(["gcc", *options, str(DELAY_SOURCE), "-ldl"], check=True)
    return library
