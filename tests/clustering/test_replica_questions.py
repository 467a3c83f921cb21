"""Each node says what it has of a queue; who does not answer, or answers nonsense, is left out."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from amqp_server.broker.cluster import PeerRefusedError
from amqp_server.clustering.replica_questions import SUBJECT, Holding, ReplicaQuestions
from cluster.node.node import ClusterNode
from tests.support.joined_peers import JoinedPeers

ENDS = {"q": (12, 3)}


def node_of(name: str, *, damaged: str = "", emptied: str = "") -> ClusterNode:
    node = SimpleNamespace(
        options=SimpleNamespace(node=name),
        shell=SimpleNamespace(emptying=SimpleNamespace(emptied={emptied: 5})),
        end_of=ENDS.get,
        is_damaged=damaged.__eq__,
    )
    return cast("ClusterNode", node)


def test_nodes_say_what_they_have() -> None:
    async def work() -> None:
        peers: dict[str, JoinedPeers] = {}
        asking = ReplicaQuestions(node_of("a"), JoinedPeers("a", peers))
        ReplicaQuestions(node_of("b", damaged="q"), JoinedPeers("b", peers))
        ReplicaQuestions(node_of("c", emptied="q"), JoinedPeers("c", peers))
        assert await asking.holdings("q", ("a", "b", "c", "nobody")) == {
            "a": Holding((12, 3)),
            "b": Holding((12, 3), is_damaged=True),
            "c": Holding((12, 3), is_emptied=True),
        }
        assert await asking.holdings("other", ("a", "b")) == {
            "a": Holding(None),
            "b": Holding(None),
        }

    asyncio.run(work())


@pytest.mark.parametrize("answer", [b"[]", b"1", b'{"end": 1}', b'{"end": ["1", 2]}', b"{"])
def test_an_answer_without_sense_is_none(answer: bytes) -> None:
    async def answering(_octets: bytes, _node: str) -> bytes:
        return answer

    async def work() -> None:
        peers: dict[str, JoinedPeers] = {}
        asking = ReplicaQuestions(node_of("a"), JoinedPeers("a", peers))
        JoinedPeers("b", peers).answer_to(SUBJECT, answering)
        assert await asking.holdings("q", ("b",)) == {}

    asyncio.run(work())


@pytest.mark.parametrize("question", [b"{", b"1", b'["q"]'])
def test_a_question_without_sense_is_refused(question: bytes) -> None:
    async def work() -> None:
        peers: dict[str, JoinedPeers] = {}
        ReplicaQuestions(node_of("a"), JoinedPeers("a", peers))
        with pytest.raises(PeerRefusedError, match="no queue"):
            await JoinedPeers("b", peers).ask("a", SUBJECT, question, 1)

    asyncio.run(work())
