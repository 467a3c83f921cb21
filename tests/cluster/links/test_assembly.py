"""Records in pieces are put together, and nothing comes between them."""

import pytest

from cluster.links.encoding import encode_leader_frame
from cluster.links.envelope import seal
from cluster.links.kinds import Kind
from cluster.links.layout import QUEUE
from cluster.replication.frames import (
    Fence,
    LeaderFrame,
)
from tests.support.linked_pair import SMALL, LinkedPair, payloads, run, tail


def test_a_large_run_comes_in_pieces_and_is_whole() -> None:
    pair = LinkedPair(SMALL).opened()
    octets = bytes(range(256)) * 512
    pair.a.put(run("q", 1, octets))
    pair.a.put(run("r", 2))
    pair.carry()
    assert pair.at_b.order() == ["Append q", "Append r"]
    assert payloads(list(pair.at_b.frames)) == [octets, b"records"]


@pytest.mark.parametrize("then", [Fence("q", 2), tail("q", b"1"), run("q", 2, b"1")])
def test_nothing_comes_between_the_pieces_of_a_queue(then: LeaderFrame) -> None:
    pair = LinkedPair().opened()
    kind, head = encode_leader_frame(run("q", 1), 1, 2)
    octets = b"" if isinstance(then, Fence) else b"1"
    kind_then, head_then = encode_leader_frame(then, 1, len(octets))
    at = pair.b._received_count
    pair.give(pair.b, seal(at, Kind.QUEUE, 0, QUEUE.pack(1) + b"q"))
    pair.give(pair.b, seal(at + 1, kind, 0, head, b"1") + b"1")
    pair.give(pair.b, seal(at + 2, kind_then, 0, head_then, octets) + octets)
    assert pair.at_b.reasons == ["a frame between the pieces of another of its queue"]
    assert pair.at_b.frames == []
