"""Processes of a run, by a mark in their environment: to be signalled, ended, and swept up later.

A node has children, which leave its process group or outlive it. All of them inherit the mark,
which names the run's process and the place in the cluster. Source: proc(5), ``/proc/PID/environ``.
"""

import os
import re
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

MARK: Final = "HAREMQ_VERIFY_PLACE"
END_S: Final = 20.0
_MARKED: Final = re.compile(rf"(?:^|\0){MARK}=(\d+)-([^\0]+)(?:\0|$)".encode())
_POLL_S: Final = 0.01


class Marked(NamedTuple):
    """A process with the mark.

    Attributes:
        pid: of it.
        run: the process of the run that started it.
        name: of the node or store that it belongs to.
    """

    pid: int
    run: int
    name: str


def mark(name: str) -> dict[str, str]:
    """Return the variable that marks a process of this run as one of a node or store."""
    return {MARK: f"{os.getpid()}-{name}"}


def marked() -> list[Marked]:
    """Return all processes with the mark, as far as this user may look at them."""
    found = []
    for place in Path("/proc").iterdir():
        if not place.name.isdigit():
            continue
        with suppress(OSError):
            known = _MARKED.search((place / "environ").read_bytes())
            if known is not None:
                found.append(Marked(int(place.name), int(known[1]), known[2].decode()))
    return found


def signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    """Signal processes; those that are gone are left out."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def end_all(running: Callable[[], list[int]]) -> None:
    """End processes by SIGKILL, and return when they are gone.

    Args:
        running: returns those that are left.

    Raises:
        TimeoutError: some do not end.
    """
    deadline_s = time.monotonic() + END_S
    while pids := running():
        signal_all(pids, signal.SIGKILL)
        for pid in pids:
            # Of a child the result has to be taken, or it stays where it is.
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"processes {pids} do not end")
        time.sleep(_POLL_S)


def sweep() -> list[int]:
    """End what runs left behind whose own process is gone; return the processes."""
    dead = {one.pid for one in marked() if not Path(f"/proc/{one.run}").exists()}
    end_all(lambda: [one.pid for one in marked() if one.pid in dead])
    return sorted(dead)
