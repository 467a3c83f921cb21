"""The nodes of a cluster under test: their settings, commands and login. None is started here."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from amqp_server.proving.nodes import ProvedNodes
from amqp_server.settings.load import SettingsError, load_settings
from load_generator.verifying.cluster import Ability
from load_generator.verifying.machines import PORT

SECTIONS = {"persistence": {"durability": "os"}, "cluster": {"lease_ttl_ms": 5_000}}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ProvedNodes]:
    made = ProvedNodes(tmp_path, 3, "/bin/etcd", SECTIONS, queue_arguments={})
    yield made
    made.close()


def test_each_node_has_the_users_settings_and_a_place_of_its_own(cluster: ProvedNodes) -> None:
    seen = [load_settings(cluster.place(node) / "haremq.yaml") for node in cluster.nodes]
    assert {each.persistence.durability for each in seen} == {"os"}
    assert {each.cluster.lease_ttl_ms for each in seen} == {5_000}
    assert len({each.broker.data_dir for each in seen}) == 3
    assert len({each.net.listeners[0].address for each in seen}) == 3
    assert all(each.net.listeners[0].address.startswith("127.") for each in seen)
    assert not any(each.management.listeners for each in seen)
    assert all(each.cluster.is_clustered for each in seen)
    # Others reach a node, and all of them etcd, through relays.
    assert all(each.cluster.links.advertise != each.cluster.links.listen for each in seen)
    assert len({each.cluster.etcd.endpoints for each in seen}) == 1


def test_the_load_logs_in_as_a_user_that_nobody_knows(cluster: ProvedNodes) -> None:
    endpoint = cluster.endpoint("n2")
    assert (endpoint.host, endpoint.port) == (cluster.address("n2"), PORT)
    known = load_settings(cluster.place("n2") / "haremq.yaml").broker
    assert (known.default_user, known.default_pass) == (endpoint.username, endpoint.password)
    assert len(endpoint.password) == 32


def test_their_programs_end_with_this_one(cluster: ProvedNodes) -> None:
    for name in (*cluster.nodes, *cluster.stores):
        words, _ = cluster.command(name)
        assert str(os.getpid()) in words
        assert any(word.endswith("tied.py") for word in words)
    assert "/bin/etcd" in cluster.command("e1")[0]
    assert "amqp_server" in cluster.command("n1")[0]


def test_what_can_be_done_to_them_needs_no_root(cluster: ProvedNodes) -> None:
    assert cluster.abilities == {Ability.CUT, Ability.STORE, Ability.LEASE, Ability.WIPE}
    assert cluster.leader_of("verify-1") is None
    assert not cluster.is_ready("e1")
    assert not cluster.is_ready("n1")
    cluster.freeze_lease("n1")


def test_settings_that_are_none_leave_nothing_behind(tmp_path: Path) -> None:
    for folder in (tmp_path / "a", tmp_path / "b"):  # The relays of the first are gone then.
        folder.mkdir()
        with pytest.raises(SettingsError):
            ProvedNodes(folder, 3, "/bin/etcd", {"netz": {}}, queue_arguments={})
