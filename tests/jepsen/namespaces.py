"""Network namespaces on one bridge, an address each; what is cut between them, and the sweep.

Clients are outside of the namespaces, on the bridge's own address, so that they reach every node
whatever is cut between nodes. A cut is a wrong link-layer address of the target, on the source's
side: packets leave and reach nobody, silently and in one direction, with nothing but iproute2.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from load_generator.verifying.processes import end_all

PREFIX: Final = "hjep"
NOWHERE: Final = "02:00:00:00:00:01"
NETWORKS: Final = tuple(f"10.77.{number}" for number in range(1, 250))


class MissingError(Exception):
    """This machine has no namespaces to be had; the text gives the reason."""


def run(*words: str, fails: bool = True) -> str:
    """Run a command and return its output."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
    if fails and done.returncode:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def why_missing() -> str | None:
    """Return why no namespaces can be made here; None: they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "there is no `ip` (iproute2)"
    name = f"{PREFIX}{os.getpid()}-probe"
    try:
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "add", "probe", "type", "veth", "peer", "name", "other")
        run("ip", "-n", name, "link", "add", "name", "bridge", "type", "bridge")
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"no network namespaces here: {error}"
    finally:
        run("ip", "netns", "del", name, fails=False)
    return None


def sweep() -> list[str]:
    """Remove what runs left behind whose process is gone; return the names of their namespaces."""
    found = re.findall(rf"^({PREFIX}(\d+)-\S+)", run("ip", "netns", "list"), re.MULTILINE)
    dead = [name for name, pid in found if not Path(f"/proc/{pid}").exists()]
    for name in dead:
        _remove(name)
    for bridge, pid in re.findall(rf"({PREFIX}(\d+)):", run("ip", "-o", "link", "show")):
        if not Path(f"/proc/{pid}").exists():
            run("ip", "link", "del", bridge, fails=False)
    return dead


def pids_in(namespace: str) -> list[int]:
    """Return the processes of a namespace."""
    return [int(pid) for pid in run("ip", "netns", "pids", namespace, fails=False).split()]


def _remove(namespace: str) -> None:
    end_all(partial(pids_in, namespace))
    run("ip", "netns", "del", namespace, fails=False)


class Network:
    """The namespaces of one run, by the names of nodes and stores."""

    has_limits = True

    def __init__(self, names: Sequence[str]) -> None:
        """Make them; raises MissingError where that cannot be."""
        if reason := why_missing():
            raise MissingError(reason)
        sweep()
        self._bridge = f"{PREFIX}{os.getpid()}"
        if f"{self._bridge}:" in run("ip", "-o", "link", "show"):
            raise MissingError("this process has a network already")
        taken = run("ip", "-o", "-4", "address", "show")
        network = next(one for one in NETWORKS if f" {one}." not in taken)
        self.addresses = {name: f"{network}.{at}" for at, name in enumerate(names, 1)}
        self.has_loss = shutil.which("iptables") is not None
        try:
            run("ip", "link", "add", "name", self._bridge, "type", "bridge")
            run("ip", "address", "add", f"{network}.254/24", "dev", self._bridge)
            run("ip", "link", "set", self._bridge, "up")
            for name in names:
                self._add(name)
        except BaseException:
            self.close()
            raise

    def namespace(self, name: str) -> str:
        """Return the namespace of a node or store."""
        return f"{self._bridge}-{name}"

    def reached_at(self, name: str) -> str:
        """Return where the others reach it."""
        return self.addresses[name]

    def prefix(self, name: str) -> list[str]:
        """Return the words in front of a command that is to run there."""
        return ["ip", "netns", "exec", self.namespace(name)]

    def environment(self, name: str) -> dict[str, str]:
        """Return the variables that a command there needs."""
        return {}

    def pids(self, name: str) -> list[int]:
        """Return the processes there."""
        return pids_in(self.namespace(name))

    def end_all(self, name: str) -> None:
        """End all processes there by SIGKILL, and return when they are gone."""
        end_all(partial(self.pids, name))

    def serves(self, name: str, ports: Iterable[int]) -> None:
        """Nothing is needed for ports that others connect to."""

    def _outside(self, name: str) -> str:
        """Return the end of a namespace's cable that is on the bridge: 15 octets at most."""
        return f"{os.getpid()}v{list(self.addresses).index(name)}"

    def _add(self, name: str) -> None:
        namespace, outside = self.namespace(name), self._outside(name)
        run("ip", "netns", "add", namespace)
        peer = ("peer", "name", "eth0", "netns", namespace)
        run("ip", "link", "add", outside, "type", "veth", *peer)
        run("ip", "link", "set", outside, "master", self._bridge, "up")
        run("ip", "-n", namespace, "address", "add", f"{self.addresses[name]}/24", "dev", "eth0")
        run("ip", "-n", namespace, "link", "set", "lo", "up")
        run("ip", "-n", namespace, "link", "set", "eth0", "up")

    def cut(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Let nothing through from the first to the second of each pair."""
        for source, target in pairs:
            to = (self.addresses[target], "lladdr", NOWHERE, "dev", "eth0", "nud", "permanent")
            run("ip", "-n", self.namespace(source), "neighbour", "replace", *to)

    def lose(self, names: Iterable[str], percent: int) -> None:
        """Lose so many of the packets that these get from each other."""
        share = ("-m", "statistic", "--mode", "random", "--probability", str(percent / 100))
        for name in names:
            for other, address in self.addresses.items():
                if other != name:
                    self._iptables(name, "-A", "INPUT", "-s", address, *share, "-j", "DROP")

    def limit(self, names: Iterable[str], kbit_per_s: int) -> None:
        """Let these say no more than that, to clients too."""
        shape = ("tbf", "rate", f"{kbit_per_s}kbit", "burst", "32k", "latency", "400ms")
        for name in names:
            queue = ("qdisc", "replace", "dev", "eth0", "root", *shape)
            run("tc", "-n", self.namespace(name), *queue)

    def heal(self) -> None:
        """Undo all of it."""
        for name in self.addresses:
            namespace = self.namespace(name)
            known = run("ip", "-n", namespace, "neighbour", "show", "nud", "permanent")
            for address in re.findall(r"^(\S+) ", known, re.MULTILINE):
                run("ip", "-n", namespace, "neighbour", "del", address, "dev", "eth0")
            if self.has_loss:
                self._iptables(name, "-F")
            run("tc", "-n", namespace, "qdisc", "del", "dev", "eth0", "root", fails=False)

    def _iptables(self, name: str, *words: str) -> None:
        run("ip", "netns", "exec", self.namespace(name), "iptables", "-w", *words)

    def close(self) -> None:
        """End all processes in the namespaces, and remove them and the bridge."""
        for name in self.addresses:
            _remove(self.namespace(name))
            # The kernel takes its time over a namespace; the next network has the same names.
            run("ip", "link", "del", self._outside(name), fails=False)
        run("ip", "link", "del", self._bridge, fails=False)
