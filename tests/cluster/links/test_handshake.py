"""Nodes that do not belong together do not link."""

from dataclasses import replace

import pytest

from cluster.links.handshake import Trust
from tests.support.linked_pair import SECRET, LinkedPair, hello


def test_nodes_that_do_not_share_the_secret_do_not_link() -> None:
    pair = LinkedPair(trusts=(Trust(SECRET), Trust(b"another")))
    pair.carry()
    assert pair.at_a.peer is None
    assert pair.at_b.peer is None
    assert pair.at_b.reasons == ["node 'a' does not know the secret of the cluster"]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"cluster": "x"}, "of another cluster: 'x'"),
        ({"meant": "c"}, "node 'c' was meant, this is b"),
        ({"node": "b"}, "the other node is called 'b', as this one or not at all"),
        ({"version_min": 2, "version_max": 3}, "no common version: 1 to 1 here, 2 to 3 there"),
        ({"nonce": b"b" * 32}, "a nonce that is sent back"),
    ],
)
def test_a_hello_that_does_not_fit_is_answered_with_a_reason(
    said: dict[str, object], reason: str
) -> None:
    pair = LinkedPair(hellos=(replace(hello("a", "b"), **said), hello("b")))  # type: ignore[arg-type]
    pair.carry()
    assert pair.at_b.reasons == [reason]
    assert pair.at_a.reasons == [f"the other node says: {reason}"]


def test_another_node_than_the_one_that_was_meant_is_not_linked() -> None:
    pair = LinkedPair(hellos=(hello("a", "c"), hello("b")))
    pair.carry()
    assert pair.at_b.reasons == ["node 'c' was meant, this is b"]


def test_a_node_that_is_not_admitted_hears_why() -> None:
    trust = Trust(SECRET, admit=lambda peer: f"incarnation {peer.incarnation} is over")
    pair = LinkedPair(trusts=(Trust(SECRET), trust))
    pair.carry()
    assert pair.at_a.reasons == ["the other node says: incarnation 7 is over"]


def test_a_certificate_must_name_the_node_where_it_is_asked_for() -> None:
    pair = LinkedPair(trusts=(Trust(SECRET), Trust(SECRET, needs_certificate=True)))
    pair.carry()
    assert pair.at_b.reasons == ["no certificate that names node 'a'"]
    with pytest.raises(ValueError, match="a secret, or certificates"):
        Trust(b"")


def test_the_secret_does_not_travel_and_no_proof_fits_twice() -> None:
    pair = LinkedPair()
    first = pair.output(pair.a)
    pair.give(pair.b, first)
    second = pair.output(pair.b)
    pair.give(pair.a, second)
    third = pair.output(pair.a)
    assert SECRET not in first + second + third
    # Another connection has another nonce.
    again = LinkedPair(hellos=(hello("a", "b"), hello("b", nonce=b"z" * 32)))
    again.give(again.b, first)
    again.output(again.b)
    again.give(again.b, third)
    assert again.at_b.reasons == ["node 'a' does not know the secret of the cluster"]
