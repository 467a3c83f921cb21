"""The control socket: whose it is, and what is at its path already."""

import socket
import stat
from pathlib import Path

import pytest

from amqp_server.net.listener import ListenError
from amqp_server.net.local_socket import close_local_path, open_local_socket


def test_only_user_and_group_may_connect(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with open_local_socket(path, "k"):
        found = path.stat()
        assert (stat.S_ISSOCK(found.st_mode), found.st_mode & 0o777) == (True, 0o660)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
    close_local_path(path)
    close_local_path(path)
    assert not path.exists()


def test_what_a_killed_node_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    open_local_socket(path, "k").close()
    assert path.exists()
    open_local_socket(path, "k").close()


def test_another_process_is_not_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with (
        open_local_socket(path, "k") as first,
        pytest.raises(ListenError, match="another process"),
    ):
        open_local_socket(path, "k")
    assert first.fileno() == -1
    assert path.exists()


@pytest.mark.parametrize("name", ["file", "none/s", "x" * 200])
def test_a_path_that_cannot_be_used_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ListenError, match="k: cannot listen on"):
        open_local_socket(tmp_path / name, "k")
    assert (tmp_path / "file").read_text() == "mine"
