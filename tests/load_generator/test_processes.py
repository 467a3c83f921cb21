"""What a process costs is read from the system's own tables."""

import os
import socket
from pathlib import Path

from load_generator import processes


def test_this_process_has_used_time_and_memory() -> None:
    spent_s, resident_bytes = processes.cpu_s(os.getpid()), processes.rss_bytes(os.getpid())
    assert spent_s is not None
    assert spent_s > 0
    assert resident_bytes is not None
    assert resident_bytes > 1 << 20


def test_a_process_that_is_gone_has_no_figures() -> None:
    never = 1 << 30
    assert processes.cpu_s(never) is None
    assert processes.rss_bytes(never) is None


def test_a_listener_is_found_by_its_port() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        listener.listen(1)
        assert processes.listener_pid(port) == os.getpid()
    assert processes.listener_pid(port) is None


def test_the_machine_has_worked_at_least_as_long_as_this_process() -> None:
    spent_s = processes.cpu_s(os.getpid())
    assert spent_s is not None
    assert processes.machine_busy_s() >= spent_s


def test_open_files_are_counted_and_sockets_are_not(tmp_path: Path) -> None:
    before = processes.open_file_count(os.getpid())
    assert before is not None
    with (tmp_path / "a").open("w"), (tmp_path / "b").open("w"), socket.socket():
        assert processes.open_file_count(os.getpid()) == before + 2
    assert processes.open_file_count(1 << 30) is None
