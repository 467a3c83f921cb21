import asyncio
import base64
import itertools
from collections.abc import Awaitable, Callable

import pytest

from cluster.metadata.errors import (
    OtherStoreError,
    StoreAwayError,
)
from cluster.metadata.etcd.http import Times
from cluster.metadata.paging import read_whole
from cluster.metadata.port import Done, Lease, Progress, Unknown, end_of_prefix
from tests.support.etcd_server import EtcdServer
from tests.support.etcd_stores import Clock, opened, play, put
from tests.support.metadata_contract import Rig, changes_from, each_case
from tests.support.ports import free_port
from tests.support.scripted_gateway import ScriptedGateway, chunked, http

NUMBERS = itertools.count()


@each_case
def test_contract(case: Callable[[Rig], Awaitable[None]], etcd: EtcdServer) -> None:
    async def run() -> None:
        store = opened([etcd.url], Clock())

        async def end_of(_: Lease) -> None:
            """Etcd's clock goes on by itself."""

        async def compact(revision: int) -> None:
            etcd.post("kv/compaction", {"revision": str(revision), "physical": True})

        prefix = b"/case %d/" % next(NUMBERS)
        await case(Rig(store, prefix, end_of, compact))

    play(run())


def test_a_lease_is_counted_from_when_it_was_asked_for() -> None:
    async def run() -> None:
        clock = Clock()

        def answer(_: object) -> bytes:
            clock.now_ms += 700
            return http(b'{"result":{"ID":"7","TTL":"10"}}')

        async with ScriptedGateway(answer) as gateway:
            store = opened([gateway.url], clock)
            assert await store.keep_alive(7) == Lease(7, 10_000, 0)

    play(run())


def test_no_answer_leaves_a_transaction_unknown_and_a_read_goes_elsewhere(
    etcd: EtcdServer,
) -> None:
    async def run() -> None:
        async with ScriptedGateway(lambda _: b"") as closing:
            store = opened([closing.url, etcd.url], Clock())
            assert isinstance(await store.transact(put(b"/silent/")), Unknown)
            assert isinstance(await store.transact(put(b"/silent/")), Done)
            assert len(closing.requests) == 1
            store = opened([closing.url, etcd.url], Clock())
            assert (await store.read_range(b"/silent/", b"/silent0")).items
            assert len(closing.requests) == 2

    play(run())


def test_where_nobody_listens_nothing_was_carried_out(etcd: EtcdServer) -> None:
    async def run() -> None:
        nobody = f"http://127.0.0.1:{free_port()}"
        store = opened([nobody], Clock())
        for call in (store.transact(put()), store.read_range(b"a", b"b"), store.grant(1)):
            with pytest.raises(StoreAwayError):
                await call
        with pytest.raises(StoreAwayError):
            await anext(store.watch(b"a", b"b", 1))
        store = opened([nobody, etcd.url], Clock())
        assert isinstance(await store.transact(put(b"/nobody/")), Done)

    play(run())


def test_another_etcd_is_refused(etcd: EtcdServer) -> None:
    async def run() -> None:
        other = http(b'{"header":{"cluster_id":"1","revision":"5"}}')
        async with ScriptedGateway(lambda _: other) as gateway:
            store = opened([gateway.url, etcd.url], Clock())
            await store.read_range(b"a", b"b")
            await gateway.stop()
            with pytest.raises(OtherStoreError):
                await store.read_range(b"a", b"b")

    play(run())


def test_large_values_are_read_in_smaller_pages(etcd: EtcdServer) -> None:
    async def run() -> None:
        store = opened([etcd.url], Clock())
        prefix, value = b"/large/", b"v" * 500_000
        for number in range(7):
            await store.transact(put(prefix + b"%d" % number, value))
        revision, items = await read_whole(store, prefix, end_of_prefix(prefix))
        assert [item.value for item in items] == [value] * 7
        told = store.watch(prefix, end_of_prefix(prefix), revision - 6)
        changes = await changes_from(told, 7)
        assert [each.revision for each in changes] == list(range(revision - 6, revision + 1))
        await told.aclose()

    play(run())


def test_a_silent_watch_is_begun_anew_behind_what_was_told() -> None:
    async def run() -> None:
        event = (
            b'{"result":{"header":{"revision":"8"},'
            b'"events":[{"kv":{"key":"YQ==","mod_revision":"8"}}]}}'
        )
        created = b'{"result":{"created":true,"header":{"revision":"9"}}}'

        def answer(request: object) -> bytes:
            asked = len(gateway.requests)
            return chunked([created + b"\n", event + b"\n"], ends=False) if asked == 1 else b""

        async with ScriptedGateway(answer) as gateway:
            store = opened([gateway.url], Clock(), times=Times(silence=500))
            told = store.watch(b"a", b"b", 5)
            await anext(told)
            await anext(told)
            with pytest.raises(StoreAwayError):
                await anext(told)
            starts = [each["create_request"]["start_revision"] for each in gateway.requests]
            assert starts == ["5", "9"]

    play(run())


def test_a_watch_goes_on_while_its_member_gives_signs_of_life() -> None:
    async def run() -> None:
        created = b'{"result":{"created":true,"header":{"revision":"9"}}}\n'
        signs = 0

        def answer(request: object) -> bytes:
            nonlocal signs
            if request:
                return chunked([created], ends=False)
            signs += 1
            return http(b"{}") if signs < 3 else http(b"no such path", status=b"404 Not Found")

        async with ScriptedGateway(answer) as gateway:
            times = Times(silence=100, quiet=20, sign=60_000)
            told = opened([gateway.url], Clock(), times=times).watch(b"a", b"b", 5)
            assert await anext(told) == Progress(9)
            assert await anext(told) == Progress(9), "after the silence it is begun anew"
            assert signs == 4

    play(run())


def test_a_watch_ends_when_its_member_gives_no_sign_of_life() -> None:
    """What else that member was asked has no answer then; another one is asked next."""

    async def run() -> None:
        created = b'{"result":{"created":true,"header":{"revision":"9"}}}\n'

        def answer(request: object) -> bytes | None:
            is_watch = isinstance(request, dict) and "create_request" in request
            return chunked([created], ends=False) if is_watch else None

        page = http(b'{"header":{"revision":"9"}}')
        async with ScriptedGateway(answer) as gone, ScriptedGateway(lambda _: page) as there:
            times = Times(answer=60_000, silence=60_000, quiet=20, sign=20)
            store = opened([gone.url, there.url], Clock(), times=times)
            told = store.watch(b"a", b"b", 5)
            assert await anext(told) == Progress(9)
            asked = asyncio.create_task(store.transact(put(b"a")))
            with pytest.raises(StoreAwayError):
                await anext(told)
            assert isinstance(await asked, Unknown)
            assert (await store.read_range(b"a", b"b")).revision == 9

    play(run())


def test_a_revision_in_fragments_is_told_whole() -> None:
    def line(revisions: list[int], *, fragment: bool) -> bytes:
        events = b",".join(
            b'{"kv":{"key":"%s","mod_revision":"%d"}}'
            % (base64.b64encode(b"a%d" % number), revision)
            for number, revision in enumerate(revisions)
        )
        mark = b"true" if fragment else b"false"
        return b'{"result":{"header":{"revision":"9"},"fragment":%s,"events":[%s]}}\n' % (
            mark,
            events,
        )

    async def run() -> None:
        lines = [
            line([6, 7, 7], fragment=True),
            line([7], fragment=True),
            line([7, 8], fragment=False),
        ]
        async with ScriptedGateway(lambda _: chunked(lines, ends=False)) as gateway:
            store = opened([gateway.url], Clock())
            told = store.watch(b"a", b"b", 5)
            changes = await changes_from(told, 3)
            assert [(each.revision, len(each.changes)) for each in changes] == [
                (6, 1),
                (7, 4),
                (8, 1),
            ]
            await told.aclose()

    play(run())
