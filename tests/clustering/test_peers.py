"""Nodes ask each other over sockets; whatever happens to the other one, nobody waits for ever."""

import asyncio
from collections.abc import Coroutine

import pytest

from amqp_server.broker.cluster import PeerAwayError, PeerRefusedError
from amqp_server.clustering import peers
from cluster.asking.layout import ANSWER_BYTES_MAX, OPEN_MAX
from cluster.links.hello import ASKING_VERSION_MAX
from tests.support.asking_nodes import AskingNode, until


async def echo(octets: bytes, node: str) -> bytes:
    return node.encode() + b": " + octets


async def refuse(_octets: bytes, _node: str) -> bytes:
    raise PeerRefusedError("not for you")


async def fail(_octets: bytes, _node: str) -> bytes:
    raise ZeroDivisionError


async def wait(_octets: bytes, _node: str) -> bytes:
    await asyncio.Event().wait()
    return b""


def run(work: Coroutine[object, object, None]) -> None:
    asyncio.run(work)


async def pair(idle_ms: int = 60_000) -> tuple[AskingNode, AskingNode]:
    nodes: dict[str, AskingNode] = {}
    a = await AskingNode("a", nodes, idle_ms).listen()
    b = await AskingNode("b", nodes).listen()
    for subject, answering in (("echo", echo), ("no", refuse), ("fail", fail), ("wait", wait)):
        b.peers.answer_to(subject, answering)
    return a, b


async def stop(*nodes: AskingNode) -> None:
    for node in nodes:
        await node.stop()


def test_a_question_is_answered_or_refused() -> None:
    async def work() -> None:
        a, b = await pair()
        assert await a.peers.ask("b", "echo", b"?", 5) == b"a: ?"
        several = [a.peers.ask("b", "echo", b"%d" % each, 5) for each in range(20)]
        assert await asyncio.gather(*several) == [b"a: %d" % each for each in range(20)]
        for subject, text in (
            ("no", "not for you"),
            ("fail", "it failed: ZeroDivisionError"),
            ("other", "nobody here answers to other"),
        ):
            with pytest.raises(PeerRefusedError, match=text):
                await a.peers.ask("b", subject, b"", 5)
        assert a.peers._waiting == {}
        await stop(a, b)

    run(work())


def test_json_is_asked_and_answered() -> None:
    async def work() -> None:
        a, b = await pair()

        async def doubled(octets: bytes, _node: str) -> bytes:
            return octets * 2

        async def same(octets: bytes, _node: str) -> bytes:
            return octets

        b.peers.answer_to("double", doubled)
        b.peers.answer_to("same", same)
        assert await a.peers.ask_json("b", "same", {"x": [1, None]}, 5) == {"x": [1, None]}
        with pytest.raises(PeerRefusedError, match="no JSON"):
            await a.peers.ask_json("b", "double", [], 5)
        await stop(a, b)

    run(work())


def test_a_question_is_made_for_the_version_of_the_link() -> None:
    async def work() -> None:
        a, b = await pair()
        made = await a.peers.ask("b", "echo", lambda version: b"%d" % version, 5)
        assert made == b"a: %d" % ASKING_VERSION_MAX
        link = a.peers.table.link_to("b")
        assert link is not None
        link._handshake.version = 1
        assert await a.peers.ask("b", "echo", lambda version: b"%d" % version, 5) == b"a: 1"
        await stop(a, b)

    run(work())


def test_who_does_not_answer_is_not_waited_for() -> None:
    async def work() -> None:
        a, b = await pair()
        with pytest.raises(PeerAwayError, match=r"within 0\.05 s") as away:
            await a.peers.ask("nobody", "echo", b"", 0.05)
        assert not away.value.was_asked
        assert await a.peers.ask("b", "echo", b"", 5) == b"a: "
        with pytest.raises(PeerAwayError) as silent:
            await a.peers.ask("b", "wait", b"", 0.05)
        assert silent.value.was_asked
        await stop(a, b)

    run(work())


def test_a_link_that_ends_ends_the_waiting_on_both_sides() -> None:
    async def work() -> None:
        a, b = await pair()
        asked = asyncio.ensure_future(a.peers.ask("b", "wait", b"", 30))
        await until(lambda: len(b.peers._answers_under_way) == 1)
        link = a.peers.table.link_to("b")
        assert link is not None
        link.close("cut")
        with pytest.raises(PeerAwayError, match="the link has ended: cut"):
            await asked
        await until(lambda: not b.peers._answers_under_way)
        # The next question dials again.
        assert await a.peers.ask("b", "echo", b"!", 5) == b"a: !"
        await stop(a, b)

    run(work())


def test_questions_that_are_given_up_fill_the_link_and_others_wait_their_turn() -> None:
    answer_now = asyncio.Event()

    async def late(_octets: bytes, _node: str) -> bytes:
        await answer_now.wait()
        return b"late"

    async def work() -> None:
        a, b = await pair()
        await a.peers.ask("b", "echo", b"", 5)
        b.peers.answer_to("late", late)
        given_up = [a.peers.ask("b", "late", b"", 0.01) for _ in range(OPEN_MAX)]
        came = await asyncio.gather(*given_up, return_exceptions=True)
        assert {type(each) for each in came} == {PeerAwayError}
        with pytest.raises(PeerAwayError, match=r"within 0\.05 s") as full:
            await a.peers.ask("b", "echo", b"", 0.05)
        assert not full.value.was_asked
        many = [asyncio.ensure_future(a.peers.ask("b", "echo", b"%d" % n, 5)) for n in range(99)]
        await until(lambda: len(a.peers._may_ask) == 1)
        answer_now.set()
        assert await asyncio.gather(*many) == [b"a: %d" % number for number in range(99)]
        assert a.peers._may_ask == {}
        await stop(a, b)

    run(work())


def test_an_answer_ends_in_time_whoever_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "ANSWER_S", 0.02)

    async def large(_octets: bytes, _node: str) -> bytes:
        return bytes(ANSWER_BYTES_MAX + 1)

    async def work() -> None:
        a, b = await pair()
        b.peers.answer_to("large", large)
        with pytest.raises(PeerRefusedError, match="no answer within"):
            await a.peers.ask("b", "wait", b"", 5)
        with pytest.raises(PeerRefusedError, match="an answer of 16777217 octets"):
            await a.peers.ask("b", "large", b"", 5)
        await stop(a, b)

    run(work())


def test_a_link_without_use_ends() -> None:
    async def work() -> None:
        a, b = await pair(idle_ms=20)
        await a.peers.ask("b", "echo", b"", 5)
        await until(lambda: not a.peers.table.is_open("b"))
        assert await a.peers.ask("b", "echo", b"", 5) == b"a: "
        await stop(a, b)

    run(work())
