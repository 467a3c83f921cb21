"""A program that ends with the process that started it, however that ended."""

import os
import select
import signal
import subprocess
import sys

from amqp_server.proving.tied import tied_command

PATIENCE_MS = 20_000
DEAF = "import os, signal; signal.signal(15, signal.SIG_IGN); print(os.getpid(), flush=True);"
DEAF += "signal.pause()"
PARENT = """
import os, signal, subprocess, sys
from amqp_server.proving.tied import tied_command
child = subprocess.Popen(tied_command((sys.executable, "-c", sys.argv[1]), os.getpid()))
signal.pause()
"""


def test_it_ends_with_its_parent() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, DEAF], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        gone = os.pidfd_open(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    poll = select.poll()
    poll.register(gone, select.POLLIN)
    assert poll.poll(PATIENCE_MS)
    os.close(gone)


def test_it_becomes_the_program_with_its_status_and_environment() -> None:
    program = "import os; raise SystemExit(int(os.environ['STATUS']))"
    command = tied_command((sys.executable, "-c", program), os.getpid())
    environment = {**os.environ, "STATUS": "7"}
    assert subprocess.run(command, env=environment, check=False).returncode == 7


def test_where_the_parent_is_gone_already_it_does_not_begin() -> None:
    command = tied_command((sys.executable, "-c", "print('began')"), 1 << 30)
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.stdout == b""
