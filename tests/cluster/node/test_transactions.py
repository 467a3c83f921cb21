from dataclasses import replace

from cluster.metadata.port import CreateRevision, ModRevision, Put, Read, Value
from cluster.metadata.records import StoredController, decode_queue_state, encode_controller
from cluster.node.transactions import stored_after, transaction_of
from cluster.node.view import KnownQueue
from cluster.replication.ready import Change, StateTransaction
from cluster.replication.state import QueueOptions, QueueState
from tests.support.cluster_views import KEYS, OPTIONS, members, stored

KNOWN = KnownQueue("v", "jobs", replace(stored("q1", "a", 5, 1), clean=False), 9)
NEW = QueueState("b", 6, 2, members("b", "c"))
ASKED = StateTransaction(1, Change.ELECT, "q1", 9, NEW, "disk a", 3, (("b", 6),), 5)
MEMBER = KEYS.key("member", "a")


def test_everything_is_compared_and_the_put_keeps_what_is_stored() -> None:
    made = transaction_of(KEYS, "a", KNOWN, b"member of a", ASKED)
    state = KEYS.queue_state("v", "jobs")
    assert made.compare == (
        ModRevision(state, 9),
        Value(MEMBER, b"member of a"),
        CreateRevision(KEYS.key("live", "b"), 6),
        Value(KEYS.key("ctl"), encode_controller(StoredController("a", 5))),
    )
    put, read = made.then
    assert isinstance(put, Put)
    assert (put.key, put.lease) == (state, 0)
    after = decode_queue_state(put.value)
    assert (after.queue_id, after.state, after.options, after.clean) == ("q1", NEW, OPTIONS, False)
    assert read == Read(MEMBER)


def test_a_leader_compares_neither_the_controller_nor_who_lives() -> None:
    shrink = replace(ASKED, change=Change.SHRINK, live=(), controller=None)
    assert len(transaction_of(KEYS, "a", KNOWN, b"m", shrink).compare) == 2


def test_other_options_are_put_with_the_state() -> None:
    options = QueueOptions(("b", "c"), 1)
    assert stored_after(KNOWN, replace(ASKED, options=options)).options == options
