"""Loopback addresses for the nodes of a cluster on one machine, with relays between them.

A node listens at 127.77.R.N, and others reach it at 127.78.R.N, where a relay is; clients connect
to the first. Packets cannot be lost here, and links not be slowed. Nothing needs to be root.
"""

import os
from collections.abc import Iterable, Sequence
from typing import Final

from load_generator.verifying.processes import end_all, mark, marked, sweep
from load_generator.verifying.relay import Address, Relays, owner_of

RUNS: Final = 250
"""Runs at a time that have addresses of their own, by the number of their process."""


class Loopback:
    """The addresses of one run, by the names of nodes and stores.

    Attributes:
        addresses: where each listens.
        has_loss, has_limits: whether packets can be lost, and links be slowed.
    """

    has_loss = False
    has_limits = False

    def __init__(self, names: Sequence[str]) -> None:
        """Give each name an address, and sweep up what earlier runs left.

        Args:
            names: of nodes and stores.
        """
        sweep()
        run = os.getpid() % RUNS + 1
        self.addresses = {name: f"127.77.{run}.{at}" for at, name in enumerate(names, 1)}
        self._relays = Relays(self._who)

    def reached_at(self, name: str) -> str:
        """Return where the others reach it."""
        return self.addresses[name].replace("127.77.", "127.78.")

    def prefix(self, name: str) -> list[str]:
        """Return the words in front of its command: none."""
        del name
        return []

    def environment(self, name: str) -> dict[str, str]:
        """Return the variables that its command needs."""
        return mark(name)

    def pids(self, name: str) -> list[int]:
        """Return its processes."""
        return [one.pid for one in marked() if (one.run, one.name) == (os.getpid(), name)]

    def end_all(self, name: str) -> None:
        """End its processes by SIGKILL, and return when they are gone."""
        end_all(lambda: self.pids(name))

    def serves(self, name: str, ports: Iterable[int]) -> None:
        """Put relays before ports of it that others connect to; raises OSError."""
        for port in ports:
            self._relays.add(name, (self.reached_at(name), port), (self.addresses[name], port))

    def _who(self, address: Address) -> str:
        names = {one.pid: one.name for one in marked() if one.run == os.getpid()}
        owner = owner_of(address, names)
        return names[owner] if owner is not None else ""

    def cut(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Let nothing through from the first to the second of each pair."""
        self._relays.cut(pairs)

    def lose(self, names: Iterable[str], percent: int) -> None:
        """Is not to be had here."""
        raise NotImplementedError

    def limit(self, names: Iterable[str], kbit_per_s: int) -> None:
        """Is not to be had here."""
        raise NotImplementedError

    def heal(self) -> None:
        """Undo ``cut``."""
        self._relays.heal()

    def close(self) -> None:
        """End all processes, and the relays."""
        for name in self.addresses:
            self.end_all(name)
        self._relays.close()
