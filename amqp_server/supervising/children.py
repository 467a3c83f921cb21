"""Children of this process: each in a group of its own, and none outlives its parent.

A child gets SIGKILL from the kernel when this process is gone (``PR_SET_PDEATHSIG``), however it
ended: a node is made for that, and a child that was stopped (SIGSTOP) would take nothing else. A
Ctrl-C of the terminal reaches only this process, which then ends them in order.

Source: Linux, prctl(2), pidfd_open(2); systemd, sd_notify(3).
"""

import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping
from typing import Final

from amqp_server.net.readiness import ADDRESS_VARIABLE
from amqp_server.supervising.supervision import ChildPlan

READY_LINE: Final = b"READY=1"
TOLD_BYTES_MAX: Final = 65_536

_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


class Child:
    """One that runs.

    Attributes:
        pid: of it.
        gone: readable once it has ended.
        told: readable when it says something, such as that it is ready.
    """

    def __init__(self, plan: ChildPlan, environment: Mapping[str, str]) -> None:
        """Start it.

        Raises:
            OSError: there is no such program, or the log cannot be written.
        """
        self.told = socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        )
        try:
            self.told.bind("")  # The kernel finds a name that no other socket has.
            name = "@" + self.told.getsockname()[1:].decode("ascii")
            with plan.log_file.open("ab") as log_file:
                self._running = subprocess.Popen(  # noqa: S603 - as the plan says
                    plan.command,
                    stdin=subprocess.DEVNULL,
                    stdout=log_file,
                    stderr=subprocess.STDOUT,
                    env={**environment, ADDRESS_VARIABLE: name},
                    process_group=0,
                    preexec_fn=ending_with(os.getpid()),  # noqa: PLW1509 - there is no other thread
                )
        except OSError:
            self.told.close()
            raise
        self.pid = self._running.pid
        self.gone = os.pidfd_open(self.pid)

    def is_ready(self) -> bool:
        """Read what it said; return whether it is ready."""
        ready = False
        while True:
            try:
                lines = self.told.recv(TOLD_BYTES_MAX).split(b"\n")
            except BlockingIOError:
                return ready
            ready = ready or READY_LINE in lines

    def signal(self, number: signal.Signals) -> None:
        """Give it a signal; one that is gone takes none."""
        if self._running.poll() is None:
            self._running.send_signal(number)

    def how_it_ended(self) -> int | None:
        """Return its exit status, below 0 the signal that ended it; None: it runs."""
        return self._running.poll()

    def close(self) -> None:
        """Let go of what told of it; it must have ended."""
        assert self._running.returncode is not None, "a child that runs is not let go"
        self.told.close()
        os.close(self.gone)


def ending_with(parent: int) -> Callable[[], None]:
    """Return what a child calls before its program begins, so that it ends with its parent."""

    def prepare() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # It ended before this, and nobody would tell.
            os._exit(1)

    return prepare
