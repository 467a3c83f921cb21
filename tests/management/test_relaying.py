"""Long answers of another node come part by part, and end with whoever wanted them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from amqp_server.broker.admin import PeerRefusedError
from management import relaying as module
from management.access.account import Account
from management.forwarding import Forwarded
from management.http.errors import HttpError
from management.http.event_stream import EVENT_STREAM
from management.http.request import Request
from management.http.response import Response, answer, of_error
from management.relaying import OPEN_MAX, SUBJECT, Parts, Relays
from tests.support.joined_apis import A, ApiPeers, B, Joined, joined_apis

GET = Forwarded(Request("GET", "/api/x"), Account("guest", ()))


class Rig:
    """One node that asks, one that answers with what a test puts there.

    Attributes:
        made: numbers of pieces that were made.
        ended: whether the making has come to its end, however.
        places: how many places are kept.
        gone: set with ``ended``.
        begins: nothing begins until it is set.
    """

    def __init__(self, *pieces: bytes, content_type: str = "text/csv") -> None:
        nodes: dict[str, ApiPeers] = {}
        self.peers = ApiPeers(A, nodes)
        self.relays = Relays(self.peers)
        self.parts = Parts(self._begin)
        ApiPeers(B, nodes).answer_to(SUBJECT, self.parts.answer)
        self.pieces, self.content_type = pieces, content_type
        self.made: list[int] = []
        self.ended = False
        self.places = 0
        self.gone = asyncio.Event()
        self.begins = asyncio.Event()
        self.begins.set()
        self.fails: Exception | None = None
        self.hangs = False

    async def _begin(self, question: bytes, stack: AsyncExitStack) -> Response:
        if question.startswith(b"{}"):
            raise PeerRefusedError("it is no request")
        await asyncio.sleep(0)
        await self.begins.wait()
        await stack.enter_async_context(self._place())
        if self.content_type == "none":
            return of_error(HttpError(404, "not_found", "nothing"))
        is_live = self.content_type == EVENT_STREAM
        return Response(200, self._made(), {"x-of": "b"}, self.content_type, is_live)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        self.places += 1
        try:
            yield
        finally:
            self.places -= 1

    async def _made(self) -> AsyncGenerator[bytes]:
        try:
            for number, piece in enumerate(self.pieces):
                self.made.append(number)
                yield piece
            if self.fails is not None:
                raise self.fails
            if self.hangs:
                await asyncio.Event().wait()
        finally:
            self.ended = True
            self.gone.set()

    async def begun(self) -> AsyncGenerator[bytes]:
        response = await self.relays.begin(B, GET)
        assert isinstance(response.body, AsyncGenerator)
        assert response.headers == {"x-of": "b"}
        return response.body


def test_an_answer_comes_whole_and_long_pieces_in_several_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PART_BYTES", 4)
    rig = Rig(b"0123456789", b"", b"ab")

    async def run() -> None:
        pieces = [piece async for piece in await rig.begun()]
        assert pieces[:3] == [b"0123", b"4567", b"89"]
        assert b"".join(pieces) == b"0123456789ab"
        assert (len(rig.parts), rig.places, rig.ended) == (0, 0, True)

    asyncio.run(run())


def test_nothing_is_made_that_nobody_has_asked_for() -> None:
    rig = Rig(b"one", b"two", b"three")

    async def run() -> None:
        pieces = await rig.begun()
        assert (rig.made, rig.places) == ([], 0), "a client that reads slowly keeps no place"
        assert await anext(pieces) == b"one"
        await asyncio.sleep(0)
        assert rig.made == [0]
        await pieces.aclose()
        await asyncio.gather(*rig.relays._ending)
        assert (rig.made, rig.ended, len(rig.parts), rig.places) == ([0], True, 0, 0)

    asyncio.run(run())


def test_a_client_that_leaves_while_a_part_is_made_ends_the_making() -> None:
    rig = Rig(content_type=EVENT_STREAM)
    rig.hangs = True

    async def run() -> None:
        pieces = await rig.begun()
        assert rig.places == 0
        waiting = asyncio.ensure_future(anext(pieces))
        for _ in range(4):
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
        await asyncio.gather(*rig.relays._ending)
        assert (rig.ended, len(rig.parts)) == (True, 0)

    asyncio.run(run())


def test_a_client_that_leaves_before_the_first_piece_ends_it() -> None:
    rig = Rig(b"one")

    async def run() -> None:
        await (await rig.begun()).aclose()
        await asyncio.gather(*rig.relays._ending)
        assert (len(rig.parts), rig.places) == (0, 0)
        rig.begins.clear()
        beginning = asyncio.ensure_future(rig.relays.begin(B, GET))
        await asyncio.sleep(0)
        beginning.cancel()
        await asyncio.wait({beginning})
        assert beginning.cancelled()
        rig.begins.set()
        await asyncio.gather(*rig.relays._ending)
        assert (len(rig.parts), rig.places, rig.made) == (0, 0, [])
        assert rig.peers.asked[-1][2].startswith(b'{"end"')

    asyncio.run(run())


def test_one_who_ends_it_while_a_part_is_made_ends_the_question_too() -> None:
    rig = Rig()
    rig.hangs = True

    async def run() -> None:
        begun = await rig.begun()
        asking = asyncio.ensure_future(rig.parts.answer(b'{"next": 1}\n', B))
        with pytest.raises(PeerRefusedError, match="that answer is over"):
            await asking
        asking = asyncio.ensure_future(rig.parts.answer(b'{"next": 1}\n', A))
        for _ in range(4):
            await asyncio.sleep(0)
        with pytest.raises(PeerRefusedError, match="asked for already"):
            await rig.parts.answer(b'{"next": 1}\n', A)
        await rig.parts.answer(b'{"end": 1}\n', A)
        with pytest.raises(PeerRefusedError, match="it was ended"):
            await asking
        assert (rig.ended, rig.places) == (True, 0)
        await begun.aclose()

    asyncio.run(run())


def test_what_nobody_asks_on_for_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_S", 0.01)
    rig = Rig(b"one", b"two")

    async def run() -> None:
        pieces = await rig.begun()
        assert await anext(pieces) == b"one"
        async with asyncio.timeout(10):
            await rig.gone.wait()
        assert rig.ended
        with pytest.raises(TimeoutError, match="that answer is over"):
            await anext(pieces)

    asyncio.run(run())


def test_an_answer_that_breaks_off_is_not_taken_for_whole() -> None:
    rig = Rig(b"one")
    rig.fails = TimeoutError("another node leads it")

    async def run() -> None:
        pieces = await rig.begun()
        assert await anext(pieces) == b"one"
        with pytest.raises(TimeoutError, match="another node leads it"):
            await anext(pieces)
        assert (len(rig.parts), rig.places) == (0, 0)

    asyncio.run(run())


def test_a_node_that_is_gone_breaks_it_off() -> None:
    rig = Rig(b"one", b"two")

    async def run() -> None:
        pieces = await rig.begun()
        assert await anext(pieces) == b"one"
        rig.peers.is_gone = True
        with pytest.raises(TimeoutError, match="gone"):
            await anext(pieces)
        await rig.relays.stop()
        await rig.parts.stop()
        assert (rig.ended, rig.places) == (True, 0)

    asyncio.run(run())


def test_errors_come_whole_and_nothing_stays_open() -> None:
    rig = Rig(content_type="none")

    async def run() -> None:
        response = await rig.relays.begin(B, GET)
        assert (response.status, isinstance(response.body, bytes)) == (404, True)
        assert (len(rig.parts), rig.places) == (0, 0)

    asyncio.run(run())


def test_a_node_may_have_so_many_open_and_others_have_their_own() -> None:
    rig = Rig(b"one")

    async def run() -> None:
        begun = [await rig.begun() for _ in range(OPEN_MAX)]
        with pytest.raises(PeerRefusedError, match="16 long answers"):
            await rig.begun()
        await rig.parts.answer(b'{"begin": true}\nquestion', "rabbit@c")
        await rig.parts.stop()
        assert (rig.places, len(begun)) == (0, OPEN_MAX)

    asyncio.run(run())


def test_those_that_begin_at_once_are_counted_too() -> None:
    rig = Rig(b"one")

    async def run() -> None:
        begun = [rig.parts.answer(b'{"begin": true}\nquestion', A) for _ in range(OPEN_MAX + 4)]
        came = await asyncio.gather(*begun, return_exceptions=True)
        assert len(rig.parts) == OPEN_MAX
        assert sum(isinstance(each, PeerRefusedError) for each in came) == 4
        for number in range(OPEN_MAX):
            await rig.parts.answer(b'{"end": %d}\n' % (number + 1), A)
        await (await rig.begun()).aclose()
        await rig.parts.stop()
        assert (rig.places, rig.parts._beginning[A]) == (0, 0)

    asyncio.run(run())


@pytest.mark.parametrize(
    "octets", [b"", b"[]\n", b"1\n", b'{"next": []}\n', b'{"end": "x"}\n', b'{"begin": 1}\n{}\n']
)
def test_what_makes_no_sense_is_refused(octets: bytes) -> None:
    async def run() -> None:
        with pytest.raises(PeerRefusedError):
            await Rig().parts.answer(octets, A)

    asyncio.run(run())


# ── the same between two APIs ──


@pytest.fixture
def joined() -> Iterator[Joined]:
    with joined_apis() as found:
        yield found


def test_a_queue_of_another_node_is_saved_as_a_file(joined: Joined) -> None:
    client = joined.b.node.open()
    client.publish(*[b"%d" % number for number in range(500)], routing_key="jobs")
    saved = joined.a.call("GET", "queues/%2F/jobs/messages/export?format=jsonl")
    assert (saved.status, len(saved.body.splitlines())) == (200, 500)
    assert "jobs.jsonl" in saved.headers["content-disposition"]
    assert saved.headers["content-type"] == "application/x-ndjson"
    assert joined.a.call("GET", "queues/%2F/jobs/messages/export?format=x").status == 400
    head = joined.a.call("HEAD", "queues/%2F/jobs/messages/export")
    assert (head.status, head.body) == (200, b"")
    assert len(joined.b.management.application._parts) == 0
    joined.a.add_user("eve", "management", vhosts=())
    joined.b.add_user("eve", "management")
    assert joined.a.call("GET", "queues/%2F/jobs/messages/export", user="eve").status == 401


def test_rights_are_those_of_both_nodes(joined: Joined) -> None:
    joined.a.add_user("eve", "management")
    joined.b.add_user("eve", "management", vhosts=())
    assert joined.a.call("GET", "queues/%2F/jobs/messages/export", user="eve").status == 401


def test_a_short_answer_is_answered_at_once() -> None:
    async def run() -> None:
        async def begin(_question: bytes, _stack: AsyncExitStack) -> Response:
            return answer({"is": "short"})

        parts = Parts(begin)
        said, _, rest = (await parts.answer(b'{"begin": true}\nx', A)).partition(b"\n")
        assert said == b'{"next": null}'
        assert rest.endswith(b'{"is":"short"}')

    asyncio.run(run())
