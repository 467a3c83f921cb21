"""The folder of several nodes."""

import os
import socket
from pathlib import Path

import pytest

from amqp_server.settings.load import SettingsError, load_settings
from amqp_server.supervising import folder as folder_module
from amqp_server.supervising.folder import (
    ETCD_PORTS,
    FolderError,
    NoEtcdError,
    TakenPortError,
    check_free,
    found_etcd,
    free_ports,
    made_secret,
    opened_folder,
    raw_settings,
    write_settings,
)


def test_a_folder_that_is_kept_stays_with_what_is_in_it(tmp_path: Path) -> None:
    for _ in range(2):
        with opened_folder(tmp_path / "cluster", keeps=True) as folder:
            (folder / "data").write_text("x")
    assert (tmp_path / "cluster" / "data").exists()


def test_a_folder_that_is_not_kept_is_removed(tmp_path: Path) -> None:
    with opened_folder(tmp_path / "cluster", keeps=False) as folder:
        (folder / "data").write_text("x")
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()
    with opened_folder(None, keeps=False) as folder:
        assert folder.is_dir()
    assert not folder.exists()


def test_nothing_of_somebody_else_is_removed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with (
        pytest.raises(FolderError, match="is not empty, and would be removed at the end"),
        opened_folder(tmp_path, keeps=False),
    ):
        raise AssertionError("it is refused")
    assert (tmp_path / "mine").exists()


def test_two_do_not_have_one_folder(tmp_path: Path) -> None:
    with (
        opened_folder(tmp_path, keeps=True),
        pytest.raises(FolderError, match="other nodes run in it"),
        opened_folder(tmp_path, keeps=True),
    ):
        raise AssertionError("it is refused")
    with opened_folder(tmp_path, keeps=True):
        pass


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(FolderError, match="Not a directory"),
        opened_folder(tmp_path / "file" / "below", keeps=True),
    ):
        raise AssertionError("it is refused")


def test_a_secret_is_made_once_and_nobody_elses(tmp_path: Path) -> None:
    path = made_secret(tmp_path)
    first = path.read_text()
    assert len(first.strip()) == 64
    assert path.stat().st_mode & 0o077 == 0
    assert made_secret(tmp_path).read_text() == first
    assert sorted(each.name for each in tmp_path.iterdir()) == ["secret"]


def test_settings_are_written_where_they_are_some(tmp_path: Path) -> None:
    path = tmp_path / "node" / "haremq.yaml"
    write_settings(path, {"net": {"backlog": 9}})
    assert load_settings(path).net.backlog == 9
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(SettingsError, match="backlog: expected an integer"):
        write_settings(path, {"net": {"backlog": "x"}})
    assert load_settings(path).net.backlog == 9


def test_a_users_settings_are_read_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "haremq.yaml"
    path.write_text("net: {backlog: 9}\n")
    assert raw_settings(path) == {"net": {"backlog": 9}}
    assert raw_settings(None) == {}
    path.write_text("# nothing\n")
    assert raw_settings(path) == {}
    path.write_text("net: {backlog: x}\n")
    with pytest.raises(SettingsError):
        raw_settings(path)
    with pytest.raises(SettingsError, match="No such file"):
        raw_settings(tmp_path / "no")


def test_an_etcd_that_is_not_there_is_told_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoEtcdError, match="apt-get install etcd-server"):
        found_etcd()
    program = tmp_path / "etcd"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    assert found_etcd() == os.fspath(program)


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", ports[0]))


def test_no_port_for_etcd_is_one_that_the_kernel_gives_to_connections() -> None:
    of_kernel = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    assert max(ETCD_PORTS) < min(32_768, int(of_kernel[0]))


def test_taken_ports_are_not_given_to_etcd(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
        monkeypatch.setattr(folder_module, "ETCD_PORTS", range(port, port + 1))
        with pytest.raises(TakenPortError, match=f"fewer than 1 ports from {port} to {port}"):
            free_ports(1)


def test_a_port_that_somebody_has_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
        with pytest.raises(TakenPortError, match=f"port {port} of 127.0.0.1 .*--port names"):
            check_free([*free_ports(1), port])


def test_connections_that_have_ended_keep_nobody_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
        with socket.create_connection(("127.0.0.1", port)):
            connection, _ = server.accept()
            connection.close()  # first, so that this end stays in TIME_WAIT
    with socket.socket() as probe, pytest.raises(OSError, match="in use"):
        probe.bind(("127.0.0.1", port))
    check_free([port])
