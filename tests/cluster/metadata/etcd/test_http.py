import asyncio
from dataclasses import fields

import pytest

from cluster.definitions import desk
from cluster.metadata.errors import AnswerTooLongError, StoreAwayError
from cluster.metadata.etcd.http import LINE_BYTES_MAX, Answer, Http, NotSentError, Times
from cluster.node.options import ClusterOptions
from tests.support.ports import free_port
from tests.support.scripted_gateway import ScriptedGateway, chunked, http


def test_an_answer_comes_whole() -> None:
    async def run() -> None:
        async with ScriptedGateway(lambda _: http(b"yes", status=b"404 No")) as gateway:
            connections = Http(Times())
            assert await connections.post(gateway.url, {"a": 1}, {}) == Answer(404, b"yes")
            assert gateway.requests == [{"a": 1}]
            await connections.close()

    asyncio.run(run())


def test_a_request_without_connection_has_not_left() -> None:
    async def run() -> None:
        connections = Http(Times())
        with pytest.raises(NotSentError):
            await connections.post(f"http://127.0.0.1:{free_port()}", {}, {})
        await connections.close()

    asyncio.run(run())


def test_a_lease_does_not_wait_for_all_lanes_of_a_node() -> None:
    of_states = next(each for each in fields(ClusterOptions) if each.name == "requests_max")
    assert isinstance(of_states.default, int)
    lanes_count = of_states.default + desk.LANES

    async def run() -> None:
        all_asked = asyncio.Event()

        def answer(request: object) -> bytes | None:
            if len(gateway.requests) == lanes_count:
                all_asked.set()
            return http(b"granted") if request == {"TTL": 3} else None

        async with ScriptedGateway(answer) as gateway:
            connections = Http(Times())
            lanes = [
                asyncio.create_task(connections.post(gateway.url, {"lane": number}, {}))
                for number in range(lanes_count)
            ]
            async with asyncio.timeout(20):
                await all_asked.wait()
            assert (await connections.post(gateway.url, {"TTL": 3}, {})).body == b"granted"
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)
            await connections.close()

    asyncio.run(run())


def test_lines_come_one_by_one_however_they_are_cut() -> None:
    async def run() -> None:
        pieces = [b"on", b"e\ntwo\n", b"\nthr", b"ee"]
        async with ScriptedGateway(lambda _: chunked(pieces)) as gateway:
            connections = Http(Times())
            async with connections.stream(gateway.url, {}, {}) as lines:
                read = [await lines.next(1_000) for _ in range(4)]
                with pytest.raises(StoreAwayError):
                    await lines.next(1_000)
            assert read == [b"one", b"two", b"", b"three"]
            await connections.close()

    asyncio.run(run())


def test_a_line_without_end_is_given_up() -> None:
    async def run() -> None:
        pieces = [b"x" * 1_000_000] * (LINE_BYTES_MAX // 1_000_000 + 3)
        async with ScriptedGateway(lambda _: chunked(pieces)) as gateway:
            connections = Http(Times())
            async with connections.stream(gateway.url, {}, {}) as lines:
                with pytest.raises(AnswerTooLongError):
                    await lines.next(1_000)
            await connections.close()

    asyncio.run(run())
