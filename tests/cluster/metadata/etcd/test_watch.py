import asyncio

import pytest

from cluster.metadata.errors import CompactedError, RequestRefusedError, StoreAwayError
from cluster.metadata.etcd.engine import EtcdStore
from tests.support.scripted_gateway import ScriptedGateway, chunked, http

ENDS = {
    b'{"result":{"canceled":true,"compact_revision":"9"}}': CompactedError,
    b'{"result":{"canceled":true,"cancel_reason":"rpc error: permission denied"}}': (
        RequestRefusedError
    ),
    b'{"result":{"canceled":true}}': StoreAwayError,
    b'{"error":{"grpc_code":14,"message":"etcdserver: no leader"}}': StoreAwayError,
    b'{"error":{"grpc_code":16,"message":"etcdserver: invalid auth token"}}': StoreAwayError,
}


@pytest.mark.parametrize(("line", "error"), ENDS.items())
def test_how_etcd_ends_a_watch(line: bytes, error: type[Exception]) -> None:
    async def run() -> None:
        created = b'{"result":{"created":true,"header":{"revision":"9"}}}\n'
        async with ScriptedGateway(lambda _: chunked([created, line, b"\n"])) as gateway:
            store = EtcdStore([gateway.url], lambda: 0)
            told = store.watch(b"a", b"b", 5)
            await anext(told)
            with pytest.raises(error):
                await anext(told)
            await store.close()

    asyncio.run(run())


def test_a_watch_that_is_refused_at_once() -> None:
    async def run() -> None:
        refused = http(b'{"error":"no","code":7}', status=b"403 No")
        async with ScriptedGateway(lambda _: refused) as gateway:
            store = EtcdStore([gateway.url], lambda: 0)
            with pytest.raises(RequestRefusedError):
                await anext(store.watch(b"a", b"b", 5))
            await store.close()

    asyncio.run(run())
