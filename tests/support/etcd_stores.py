"""Stores in etcd that are closed at the end of a test, also where it fails."""

import asyncio
import ssl
from collections.abc import Coroutine
from typing import Any

from cluster.metadata.etcd.engine import EtcdStore
from cluster.metadata.etcd.http import Times
from cluster.metadata.etcd.requests import Login
from cluster.metadata.port import Put, Transaction


class Clock:
    def __init__(self) -> None:
        self.now_ms = 0

    def __call__(self) -> int:
        return self.now_ms


OPENED: list[EtcdStore] = []


def opened(
    urls: list[str],
    now_ms: Clock,
    *,
    times: Times | None = None,
    login: Login | None = None,
    tls: ssl.SSLContext | None = None,
) -> EtcdStore:
    store = EtcdStore(urls, now_ms, times=times, login=login, tls=tls)
    OPENED.append(store)
    return store


def play(work: Coroutine[Any, Any, None]) -> None:
    """Run a test, and close the stores that it opened, also where it fails."""

    async def closing() -> None:
        try:
            await work
        finally:
            while OPENED:
                await OPENED.pop().close()

    asyncio.run(closing())


def put(key: bytes = b"a", value: bytes = b"") -> Transaction:
    return Transaction(then=(Put(key, value),))
