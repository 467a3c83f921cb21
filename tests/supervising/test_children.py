"""Children of this process: ready, ended, and never left behind."""

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from amqp_server.supervising.children import Child, ending_with
from amqp_server.supervising.folder import found_etcd
from amqp_server.supervising.layout import etcd_command
from amqp_server.supervising.supervision import ChildPlan
from tests.support.ports import free_port

PATIENCE_MS = 20_000

TELLS_READY = """
import os, socket, signal
address = "\\0" + os.environ["NOTIFY_SOCKET"][1:]
print("here", flush=True)
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1\\nSTATUS=x", address)
signal.pause()
"""

PARENT = """
import os, signal, sys
from pathlib import Path
from amqp_server.supervising.children import Child
from amqp_server.supervising.supervision import ChildPlan
deaf = "import signal; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)];"
deaf += "print(1, flush=True); signal.pause()"
log = Path(sys.argv[1])
child = Child(ChildPlan("c", (sys.executable, "-c", deaf), 0, log), os.environ)
while not log.read_text():
    pass
print(child.pid, flush=True)
signal.pause()
"""


def plan(tmp_path: Path, *command: str) -> ChildPlan:
    return ChildPlan("c", command, 0, tmp_path / "log")


def python(tmp_path: Path, program: str) -> ChildPlan:
    return plan(tmp_path, sys.executable, "-c", program)


def wait_for(fd: int) -> None:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    assert poll.poll(PATIENCE_MS), "nothing happened"


def ended(child: Child) -> int | None:
    wait_for(child.gone)
    how = child.how_it_ended()
    child.close()
    return how


def test_a_child_says_that_it_is_ready_and_logs(tmp_path: Path) -> None:
    child = Child(python(tmp_path, TELLS_READY), os.environ)
    wait_for(child.told.fileno())
    assert child.is_ready()
    assert not child.is_ready()
    assert child.how_it_ended() is None
    child.signal(signal.SIGTERM)
    assert ended(child) == -signal.SIGTERM
    child.signal(signal.SIGKILL)
    assert "here" in (tmp_path / "log").read_text()


def test_an_etcd_says_that_it_is_ready(tmp_path: Path) -> None:
    port, peer_port = free_port(), free_port()
    command = etcd_command(found_etcd(), tmp_path / "data", port, peer_port)
    child = Child(plan(tmp_path, *command), os.environ)
    wait_for(child.told.fileno())
    assert child.is_ready()
    socket.create_connection(("127.0.0.1", port)).close()
    child.signal(signal.SIGTERM)
    assert ended(child) in {0, -signal.SIGTERM}


def test_other_words_are_not_readiness(tmp_path: Path) -> None:
    child = Child(python(tmp_path, TELLS_READY.replace("READY=1", "RELOADING=1")), os.environ)
    wait_for(child.told.fileno())
    assert not child.is_ready()
    child.signal(signal.SIGKILL)
    assert ended(child) == -signal.SIGKILL


def test_its_exit_status_is_told(tmp_path: Path) -> None:
    assert ended(Child(python(tmp_path, "raise SystemExit(78)"), os.environ)) == 78


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    open_count = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(FileNotFoundError):
        Child(plan(tmp_path, "/no/such/program"), os.environ)
    assert len(list(Path("/proc/self/fd").iterdir())) == open_count


def test_a_child_has_a_group_of_its_own(tmp_path: Path) -> None:
    child = Child(python(tmp_path, "import signal; signal.pause()"), os.environ)
    assert os.getpgid(child.pid) == child.pid != os.getpgid(0)
    child.signal(signal.SIGKILL)
    ended(child)


@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_child_ends_with_its_parent_however_that_ended(tmp_path: Path, is_stopped: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        gone = os.pidfd_open(pid)
        if is_stopped:
            os.kill(pid, signal.SIGSTOP)
        parent.kill()
    wait_for(gone)
    os.close(gone)


def test_a_child_whose_parent_is_gone_already_does_not_begin() -> None:
    pid = os.fork()
    if pid == 0:
        ending_with(1 << 30)()  # It ends this process.
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
