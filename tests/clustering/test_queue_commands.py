"""Commands on a queue, asked of the node that leads it; over values, without a cluster."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from amqp_server.broker.cluster import (
    PeerAwayError,
    PeerRefusedError,
    StoreAwayError,
    UnknownOutcomeError,
)
from amqp_server.broker.errors import BrokerError, NotFoundError, PreconditionFailedError
from amqp_server.clustering.peers import Compose
from amqp_server.clustering.queue_commands import SUBJECT, QueueCommands
from cluster.metadata.records import StoredMember
from cluster.replication.state import QueueOptions
from tests.support.cluster_views import stored
from tests.support.joined_peers import JoinedPeers
from tests.support.looked_cluster import LookedNode, standings_of


class Scripted(JoinedPeers):
    """Answers with what a test has put there."""

    def __init__(self, *answers: object) -> None:
        super().__init__("a", {})
        self.answers = list(answers)
        self.questions: list[object] = []

    async def ask(self, node: str, subject: str, octets: bytes | Compose, within_s: float) -> bytes:
        del subject, within_s
        assert isinstance(octets, bytes)
        self.questions.append((node, *json.loads(octets)))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return json.dumps(answer).encode()


def commands_of(peers: JoinedPeers) -> tuple[LookedNode, QueueCommands]:
    """Return the commands on node a, of a queue that b leads."""
    node: Any = LookedNode("a")
    for name in "abc":
        node.told.member(name, StoredMember(f"disk {name}", 10))
        node.told.live(name, 10)
    node.told.queue(stored("q1", "b", 10, 1))
    return node, QueueCommands(node, lambda: standings_of(node), peers)


def moved(*answers: object) -> str:
    peers = Scripted(*answers)
    _, commands = commands_of(peers)
    leader = asyncio.run(commands.move_leader("v", "jobs", "a"))
    assert peers.questions == [("b", "move_leader", "v", "jobs", "a")] * len(answers)
    return leader


def test_the_leaders_node_does_it_and_one_that_leads_no_more_is_asked_anew() -> None:
    assert moved({"value": "a"}) == "a"
    assert moved({"error": "elsewhere", "text": "?"}, {"value": "a"}) == "a"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"error": "NotFoundError", "text": "why"}, NotFoundError),
        ({"error": "StoreAwayError", "text": "why"}, StoreAwayError),
        ({"error": "UnknownOutcomeError", "text": "why"}, UnknownOutcomeError),
        ({"error": "SomethingElse", "text": "why"}, PreconditionFailedError),
        ("why", PreconditionFailedError),
        (PeerRefusedError("why"), PreconditionFailedError),
        (PeerAwayError("why", was_asked=True), UnknownOutcomeError),
        (PeerAwayError("why", was_asked=False), PreconditionFailedError),
    ],
)
def test_what_the_other_node_says_is_raised_here(answer: object, error: type[BrokerError]) -> None:
    with pytest.raises(error):
        moved(answer)


def test_nobody_is_asked_where_nobody_leads() -> None:
    peers = Scripted()
    node, commands = commands_of(peers)
    node.told.live("b", 0)
    with pytest.raises(PreconditionFailedError, match="nobody leads"):
        asyncio.run(commands.add_replica("v", "jobs", "a"))
    with pytest.raises(NotFoundError):
        asyncio.run(commands.add_replica("v", "other", "a"))


def test_a_question_is_not_asked_on_and_one_that_makes_no_sense_is_refused() -> None:
    nodes: dict[str, JoinedPeers] = {}
    peers = JoinedPeers("a", nodes)
    commands_of(peers)
    asking = JoinedPeers("b", nodes)

    def asked(question: object) -> Any:  # noqa: ANN401 -- it is JSON
        return asyncio.run(asking.ask_json("a", SUBJECT, question, 1))

    assert asked(["move_leader", "v", "jobs", ""])["error"] == "elsewhere"
    assert asked(["move_leader", "v", "none", ""])["error"] == "NotFoundError"
    assert peers.asked_of == []
    for question in (["destroy", "v", "jobs", ""], ["move_leader"], 7, None):
        with pytest.raises(PeerRefusedError, match="does not know"):
            asked(question)


def test_a_member_that_runs_is_not_removed_in_trust_of_one_that_does_not() -> None:
    """An idle queue keeps a member that does not run in its in-sync set."""
    node, commands = commands_of(Scripted())
    state = stored("q1", "a", 10, 1)
    node.told.queue(state)
    node.told.live("c", 0)
    assert {each.node for each in state.state.in_sync_set} == {"a", "b", "c"}
    with pytest.raises(PreconditionFailedError, match="1 members would be left"):
        asyncio.run(commands.remove_replica("v", "jobs", "b"))
    asked: list[tuple[str, ...]] = []

    def change(queue_id: str, options: QueueOptions) -> bool:
        asked.append(options.replicas)
        node.told.queue(replace(state, options=options))
        return True

    node.change_options = change  # type: ignore[attr-defined]
    asyncio.run(commands.remove_replica("v", "jobs", "c"))
    assert asked == [("a", "b")]
