"""Loopback addresses where no namespaces are to be had: an address for each node, relays between.

A node listens at 127.77.R.N, and others reach it at 127.78.R.N, where a relay is; clients connect
to the first. Its processes are known by a variable of their environment. Packets cannot be lost
here, and links not be slowed.
"""

import os
import re
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from load_generator.verifying.relay import Address, Relays, owner_of
from tests.jepsen.namespaces import end_all

MARK: Final = "HAREMQ_JEPSEN_PLACE"
_MARKED: Final = re.compile(rf"(?:^|\0){MARK}=(\d+)-([^\0]+)\0".encode())


def marked() -> list[tuple[int, int, str]]:
    """Return process, run and name of everything that runs with the mark."""
    found = []
    for place in Path("/proc").iterdir():
        try:
            mark = (
                _MARKED.search((place / "environ").read_bytes()) if place.name.isdigit() else None
            )
        except OSError:
            continue
        if mark is not None:
            found.append((int(place.name), int(mark[1]), mark[2].decode()))
    return found


def sweep() -> list[int]:
    """End what runs left behind whose process is gone; return the processes."""
    dead = [pid for pid, run, _ in marked() if not Path(f"/proc/{run}").exists()]
    end_all(lambda: [pid for pid, _, _ in marked() if pid in dead])
    return dead


class Loopback:
    """The addresses of one run, by the names of nodes and stores."""

    has_loss = False
    has_limits = False

    def __init__(self, names: Sequence[str]) -> None:
        sweep()
        run = os.getpid() % 250 + 1
        self.addresses = {name: f"127.77.{run}.{at}" for at, name in enumerate(names, 1)}
        self._relays = Relays(self._who)

    def reached_at(self, name: str) -> str:
        return self.addresses[name].replace("127.77.", "127.78.")

    def prefix(self, name: str) -> list[str]:
        return []

    def environment(self, name: str) -> dict[str, str]:
        return {MARK: f"{os.getpid()}-{name}"}

    def pids(self, name: str) -> list[int]:
        return [pid for pid, run, of in marked() if run == os.getpid() and of == name]

    def end_all(self, name: str) -> None:
        end_all(partial(self.pids, name))

    def serves(self, name: str, ports: Iterable[int]) -> None:
        """Put relays before ports that others connect to."""
        for port in ports:
            to = (self.addresses[name], port)
            self._relays.add(name, (self.reached_at(name), port), to)

    def _who(self, address: Address) -> str:
        names = {pid: name for pid, run, name in marked() if run == os.getpid()}
        owner = owner_of(address, names)
        return names[owner] if owner is not None else ""

    def cut(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._relays.cut(pairs)

    def lose(self, names: Iterable[str], percent: int) -> None:
        raise NotImplementedError

    def limit(self, names: Iterable[str], kbit_per_s: int) -> None:
        raise NotImplementedError

    def heal(self) -> None:
        self._relays.heal()

    def close(self) -> None:
        """End all processes, and the relays."""
        for name in self.addresses:
            self.end_all(name)
        self._relays.close()
