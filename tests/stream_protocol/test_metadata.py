"""Where streams are: one node, nodes of a cluster, nodes that cannot be reached."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from amqp_server.broker.cluster import ACTIVE, DRAINING, ListenerAddress
from amqp_server.broker.settings import BrokerSettings
from amqp_server.stream_protocol.fields import I32, U16, U32, string, string_map, strings
from amqp_server.stream_protocol.keys import RESPONSE, Code, CommandKey
from amqp_server.stream_protocol.settings import StreamProtocolSettings
from tests.support.fake_cluster import FakeCluster
from tests.support.peer import Node
from tests.support.stream_peer import CORRELATION_ID, LOCAL, Answer, StreamPeer, ok

METADATA = CommandKey.METADATA
NOBODY = 0xFFFF
NAMES = "a", "b", "c"


def answer(
    nodes: Sequence[tuple[str, int]], *streams: tuple[str, Code, int, Sequence[int]]
) -> Answer:
    """Return what is told of nodes and streams: name, code, leader, replicas."""
    body = U32.pack(CORRELATION_ID) + I32.pack(len(nodes))
    for number, (host, port) in enumerate(nodes):
        body += U16.pack(number) + string(host) + U32.pack(port)
    body += I32.pack(len(streams))
    for name, code, leader, replicas in streams:
        body += string(name) + U16.pack(code) + U16.pack(leader)
        body += I32.pack(len(replicas)) + b"".join(map(U16.pack, replicas))
    return Answer(METADATA | RESPONSE, body)


def test_a_node_by_itself_leads_every_stream() -> None:
    settings = StreamProtocolSettings(advertised_host="broker.example", advertised_port=5551)
    peer = StreamPeer.open(Node(), settings=settings)
    peer.create("s")
    assert peer.ask(METADATA, strings(["s", "none"])) == answer(
        [("broker.example", 5551)],
        ("s", Code.OK, 0, []),
        ("none", Code.STREAM_DOES_NOT_EXIST, NOBODY, []),
    )


# ── in a cluster ──


@pytest.fixture
def cluster() -> FakeCluster:
    """Three nodes with plain listeners at ``a.example:1`` and so on; a and b have one for TLS."""
    cluster = FakeCluster(*NAMES)
    for port, name in enumerate(NAMES, start=1):
        where = ListenerAddress(f"{name}.example", port)
        cluster.addresses[name, "stream", False] = where
        if name != "c":
            cluster.addresses[name, "stream", True] = where._replace(port=port + 10)
    return cluster


@pytest.fixture
def node(cluster: FakeCluster) -> Node:
    node = Node(broker=BrokerSettings(node_name="a"))
    node.broker.cluster = cluster
    return node


@pytest.fixture
def peer(node: Node) -> StreamPeer:
    peer = StreamPeer.open(node)
    for name in "st":
        peer.create(name)
    return peer


def test_nodes_are_named_once_with_the_leaders_first(
    peer: StreamPeer, cluster: FakeCluster
) -> None:
    peer.create("u")
    cluster.put("s", "b", "a", "c", kind="stream")
    cluster.put("t", "c", "b", kind="stream")
    cluster.put("u", "b", kind="stream")
    assert peer.ask(METADATA, strings(["s", "none", "t", "u"])) == answer(
        [("b.example", 2), ("a.example", 1), ("c.example", 3)],
        ("s", Code.OK, 0, [1, 2]),
        ("none", Code.STREAM_DOES_NOT_EXIST, NOBODY, []),
        ("t", Code.OK, 2, [0]),
        ("u", Code.OK, 0, []),
    )


def test_mirrors_that_readers_cannot_use_are_not_named(
    peer: StreamPeer, cluster: FakeCluster
) -> None:
    cluster.put("s", "a", "b", "c", kind="stream")
    view = cluster.mirrored["/", "s"]

    def told() -> Answer:
        return peer.ask(METADATA, strings(["s"]))

    alone = answer([("a.example", 1), ("b.example", 2)], ("s", Code.OK, 0, [1]))
    cluster.change("s", replicas=(*view.replicas[:2], view.replicas[2]._replace(is_member=False)))
    assert told() == alone
    cluster.change("s", replicas=view.replicas)
    cluster.stop("c")
    assert told() == alone
    cluster.start("c")
    cluster.members["c"] = cluster.members["c"]._replace(state=DRAINING)
    assert told() == alone
    cluster.members["c"] = cluster.members["c"]._replace(state=ACTIVE)
    del cluster.addresses["c", "stream", False]
    assert told() == alone


def test_a_leader_that_does_not_run_is_none(peer: StreamPeer, cluster: FakeCluster) -> None:
    both = [("b.example", 2), ("c.example", 3)]
    cluster.put("s", "b", "c", kind="stream")
    cluster.stop("b")
    alone = answer([("c.example", 3)], ("s", Code.OK, NOBODY, [0]))
    assert peer.ask(METADATA, strings(["s"])) == alone
    cluster.start("b")
    assert peer.ask(METADATA, strings(["s"])) == answer(both, ("s", Code.OK, 0, [1]))
    cluster.change("s", leader="")
    assert peer.ask(METADATA, strings(["s"])) == answer(both, ("s", Code.OK, NOBODY, [0, 1]))


def test_nobody_is_told_to_connect_to_a_node_that_is_drained(
    peer: StreamPeer, cluster: FakeCluster
) -> None:
    cluster.put("s", "b", "c", kind="stream")
    cluster.members["b"] = cluster.members["b"]._replace(state=DRAINING)
    alone = answer([("c.example", 3)], ("s", Code.OK, NOBODY, [0]))
    assert peer.ask(METADATA, strings(["s"])) == alone


def test_a_node_that_does_not_say_where_it_is_is_not_named(
    peer: StreamPeer, cluster: FakeCluster
) -> None:
    cluster.put("s", "b", "c", kind="stream")
    del cluster.addresses["b", "stream", False]
    alone = answer([("c.example", 3)], ("s", Code.OK, NOBODY, [0]))
    assert peer.ask(METADATA, strings(["s"])) == alone


def test_a_stream_of_whose_replicas_nothing_is_known_is_not_available(peer: StreamPeer) -> None:
    assert peer.ask(METADATA, strings(["s"])) == answer(
        [], ("s", Code.STREAM_NOT_AVAILABLE, NOBODY, [])
    )


def test_a_name_without_a_right_is_refused(node: Node, cluster: FakeCluster) -> None:
    cluster.put("s", "b", kind="stream")
    StreamPeer.open(node).create("s")
    node.add_user("nobody", ".*", "^$", "^$")
    other = StreamPeer.open(node, "nobody")
    assert other.ask(METADATA, strings(["s"])) == answer([], ("s", Code.ACCESS_REFUSED, NOBODY, []))


def test_a_client_that_speaks_tls_is_told_where_tls_is_spoken(
    node: Node, cluster: FakeCluster
) -> None:
    peer = StreamPeer(node, peer=replace(LOCAL, is_tls=True))
    peer.log_in()
    peer.send(CommandKey.TUNE, U32.pack(1 << 20), U32.pack(0))
    peer.receive()
    own = string_map({"advertised_host": "a.example", "advertised_port": "11"})
    assert peer.ask(CommandKey.OPEN, string("/")) == ok(CommandKey.OPEN, own)
    peer.create("s")
    cluster.put("s", "a", "b", "c", kind="stream")
    both = [("a.example", 11), ("b.example", 12)]
    assert peer.ask(METADATA, strings(["s"])) == answer(both, ("s", Code.OK, 0, [1]))


def test_as_many_names_as_a_frame_has_are_told_in_pieces(
    peer: StreamPeer, cluster: FakeCluster
) -> None:
    cluster.put("s", "b", "a", kind="stream")
    names = ["s", "none"] * 20_000
    found = peer.ask(METADATA, strings(names))
    streams: list[tuple[str, Code, int, list[int]]] = [
        ("s", Code.OK, 0, [1]),
        ("none", Code.STREAM_DOES_NOT_EXIST, NOBODY, []),
    ]
    assert found == answer([("b.example", 2), ("a.example", 1)], *(streams * 20_000))
