"""Gateways that answer badly, slowly or not at all."""

import pytest

from cluster.metadata.errors import (
    AnswerTooLongError,
    CompactedError,
    RequestRefusedError,
    StoreAwayError,
)
from cluster.metadata.etcd.http import Times
from cluster.metadata.port import Unknown
from tests.support.etcd_stores import Clock, opened, play, put
from tests.support.scripted_gateway import ScriptedGateway, chunked, http

QUICK = Times(connect=500, answer=200, silence=200)
"""For those who give no good answer, however long one waits."""


def test_a_silent_gateway_decides_nothing() -> None:
    async def run() -> None:
        async with ScriptedGateway(lambda _: None) as gateway:
            store = opened([gateway.url], Clock(), times=QUICK)
            assert isinstance(await store.transact(put()), Unknown)
            with pytest.raises(StoreAwayError):
                await store.read_range(b"a", b"b")
            with pytest.raises(StoreAwayError):
                await anext(store.watch(b"a", b"b", 1))

    play(run())


HOSTILE = {
    "no JSON": http(b"<html>"),
    "no object": http(b"[]"),
    "deep": http(b"[" * 100_000),
    "other types": http(b'{"header":[],"kvs":{},"responses":7,"succeeded":"yes","events":1}'),
    "a number out of bounds": http(b'{"header":{"revision":"99999999999999999999999"}}'),
    "no number": http(b'{"header":{"revision":"\\u0661"},"responses":[{}]}'),
    "no base64": http(b'{"kvs":[{"key":"%","mod_revision":"1"}],"responses":[{}]}'),
    "no answers": http(b'{"succeeded":true}'),
    "an item without key": http(b'{"kvs":[{}],"succeeded":true,"responses":[]}'),
    "cut off": http(b"{", length=100),
    "no HTTP": b"SSH-2.0\r\n\r\n",
    "headers without end": b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 100_000,
    "a redirect": b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    "packed": http(b"{}", headers=b"Content-Encoding: gzip\r\n"),
    "a server error": http(b"oops", status=b"503 Away"),
    "closed": b"",
    "announced too long": http(b"{}", length=1 << 40),
    "too many values": http(b"[" + b",".join([b"[]"] * 400_000) + b"]"),
    "too long": chunked([b" " * 100_000] * 30),
}


@pytest.mark.parametrize("octets", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_answer_decides_nothing(octets: bytes) -> None:
    async def run() -> None:
        async with ScriptedGateway(lambda _: octets) as gateway:
            store = opened([gateway.url], Clock(), times=QUICK)
            assert isinstance(await store.transact(put()), Unknown)
            with pytest.raises((StoreAwayError, AnswerTooLongError)):
                await store.read_range(b"a", b"b")
            with pytest.raises((StoreAwayError, AnswerTooLongError)):
                await store.grant(1_000)
            with pytest.raises((StoreAwayError, CompactedError)):
                async for _ in store.watch(b"a", b"b", 1):
                    pass

    play(run())


REFUSED = {
    "rights": http(b'{"error":"permission denied","code":7}', status=b"403 No"),
    "bad request": http(b'{"message":"etcdserver: duplicate key","code":3}', status=b"400 No"),
}


@pytest.mark.parametrize("octets", REFUSED.values(), ids=REFUSED)
def test_what_etcd_refuses_is_certainly_not_carried_out(octets: bytes) -> None:
    async def run() -> None:
        async with ScriptedGateway(lambda _: octets) as gateway:
            store = opened([gateway.url], Clock(), times=QUICK)
            with pytest.raises(RequestRefusedError):
                await store.transact(put())
            assert len(gateway.requests) == 1

    play(run())


@pytest.mark.parametrize(
    "octets",
    [
        http(b'{"error":"etcdserver: mvcc: database space exceeded","code":8}', status=b"429 No"),
        http(b'{"error":"etcdserver: request timed out","code":14}', status=b"503 Away"),
        http(b'{"error":"etcdserver: leader changed","code":14}', status=b"503 Away"),
        http(b'{"error":{"grpc_code":14,"message":"transport is closing"}}'),
        http(b'{"error":{"code":3,"message":"within a stream nothing is certain"}}'),
    ],
)
def test_what_etcd_does_not_know_is_unknown(octets: bytes) -> None:
    async def run() -> None:
        async with ScriptedGateway(lambda _: octets) as gateway:
            store = opened([gateway.url], Clock(), times=QUICK)
            assert isinstance(await store.transact(put()), Unknown)

    play(run())
