"""Runs a program that ends with the process that started it: ``tied.py PARENT PROGRAM ...``.

The kernel kills it (``PR_SET_PDEATHSIG``) when its parent is gone, however that ended. It is a
program of its own, because what starts it has threads, and nothing may run between fork and exec
there. It imports nothing of ours, so that it takes no time.

Source: Linux, prctl(2).
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def tied_command(command: Sequence[str], parent: int) -> list[str]:
    """Return the command that runs another one so that it ends with a parent.

    Args:
        command: to be run; its program is a path, or is on the PATH.
        parent: pid of the process that will start it, from the thread that lives longest.
    """
    return [sys.executable, "-I", "-S", __file__, str(parent), *command]


def run(parent: int, command: Sequence[str]) -> None:
    """Become a program that ends with its parent; where that is gone, end."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == parent:
        os.execvp(command[0], list(command))  # noqa: S606 - that is what it is for


if __name__ == "__main__":
    run(int(sys.argv[1]), sys.argv[2:])
