"""The mark of a cluster that has had its first definitions."""

from amqp_server.broker.clustered.beginning import is_begun, noting_begun
from cluster.metadata.contents import Contents
from cluster.metadata.keys import KeySpace
from tests.support.inquiries import run

KEYS = KeySpace("c")


def test_it_is_set_once() -> None:
    there = Contents()
    assert not run(there, is_begun(KEYS))
    first = run(there, noting_begun(KEYS))
    assert run(there, is_begun(KEYS))
    assert run(there, noting_begun(KEYS)) == first == there.revision
