"""A leader that is none any more deletes no queue, also where it hears of that too late."""

import pytest

from amqp_server.broker.arguments.declare import QueueProperties
from amqp_server.broker.clustered.declaring import Declaring
from amqp_server.broker.clustered.deleting import deleting_queue
from amqp_server.broker.clustered.stored import StoredDefinitions
from amqp_server.broker.definitions.definition import VhostDefinition
from cluster.definitions.references import References
from cluster.definitions.removing import NothingThere, Removed
from cluster.metadata.contents import Contents
from cluster.metadata.keys import KeySpace
from cluster.metadata.records import StoredQueueState, encode_queue_state
from cluster.replication.state import QueueOptions, QueueState, ReplicaId
from tests.support.inquiries import Run, put, run

KEYS = KeySpace("c")
STORED = StoredDefinitions(KEYS)
REFERENCES = References(KEYS)
QUEUE = KEYS.queue_definition("/", "q")
STATE = KEYS.queue_state("/", "q")


def led_by(node: str, epoch: int = 1) -> bytes:
    state = QueueState(node, 5, epoch, frozenset[ReplicaId]())
    return encode_queue_state(StoredQueueState("id", state, QueueOptions(("n1", "n2"))))


def contents_of(leader: str | None) -> Contents:
    contents = Contents()
    put(contents, KEYS.key("vhost", "/"), STORED.value_of(VhostDefinition("/")))
    declaring = Declaring(STORED, contents.now, lambda: "id")
    run(contents, declaring.queue("/", "q", QueueProperties(True, False, True, {})))
    if leader is not None:
        put(contents, STATE, led_by(leader))
    return contents


def removal(node: str, queue_id: str = "id") -> Run[Removed | NothingThere]:
    return Run(deleting_queue(STORED, REFERENCES, ("/", "q"), queue_id, node))


def end(contents: Contents, each: Run[Removed | NothingThere]) -> Removed | NothingThere | None:
    while not each.is_over:
        each.step(contents)
    return each.result


@pytest.mark.parametrize(
    ("leader", "node", "goes"),
    [
        ("n1", "n1", True),
        ("n2", "n1", False),
        ("", "n1", False),
        ("n2", "", True),
        (None, "n1", True),
    ],
)
def test_who_leads_may_delete_what_is_unused(leader: str | None, node: str, goes: bool) -> None:
    contents = contents_of(leader)
    assert isinstance(end(contents, removal(node)), Removed if goes else NothingThere)
    assert (contents.now(QUEUE) is None) is goes
    if leader is not None:
        assert (contents.now(STATE) is None) is goes


def test_another_queue_of_the_name_stays() -> None:
    contents = contents_of("n1")
    assert isinstance(end(contents, removal("n1", "another")), NothingThere)


@pytest.mark.parametrize("steps", range(4))
def test_a_leader_that_is_another_one_at_any_moment_keeps_the_queue(steps: int) -> None:
    contents = contents_of("n1")
    each = removal("n1")
    for _ in range(steps):
        if not each.is_over:
            each.step(contents)
    is_late = each.is_over
    if not is_late:
        put(contents, STATE, led_by("n2", 2))
    assert isinstance(end(contents, each), Removed if is_late else NothingThere)
