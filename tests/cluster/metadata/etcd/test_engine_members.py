"""Members of etcd that restart, go away, lose their leader, or want a login or TLS."""

import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from cluster.metadata.errors import (
    RequestRefusedError,
    StoreAwayError,
)
from cluster.metadata.etcd.engine import EtcdStore
from cluster.metadata.etcd.http import Times
from cluster.metadata.etcd.requests import Login
from cluster.metadata.port import Done, ModRevision, Put, Refused, Transaction, Unknown
from tests.support.certificates import Authority
from tests.support.etcd_server import EtcdServer, require_etcd, running_etcd, running_members
from tests.support.etcd_stores import Clock, opened, play, put
from tests.support.metadata_contract import changes_from


async def put_at_last(store: EtcdStore, value: bytes) -> None:
    """Put ``a`` until it is done: a connection may have been closed, a leader is being elected."""
    while True:
        try:
            if isinstance(await store.transact(put(b"a", value)), Done):
                return
        except StoreAwayError:
            continue


def test_a_restart_breaks_watches_and_the_next_one_goes_on(own_etcd: EtcdServer) -> None:
    async def run() -> None:
        store = opened([own_etcd.url], Clock(), times=Times(answer=2_000))
        outcome = await store.transact(put(b"a", b"1"))
        assert isinstance(outcome, Done)
        told = store.watch(b"a", b"b", outcome.revision)
        [first] = await changes_from(told, 1)
        own_etcd.stop()
        with pytest.raises(StoreAwayError):
            await changes_from(told, 1)
        own_etcd.start()
        await put_at_last(store, b"2")
        again = store.watch(b"a", b"b", first.revision + 1)
        [second] = await changes_from(again, 1)
        item = second.changes[0].item
        assert item is not None
        assert (item.create_revision, item.value) == (first.revision, b"2")
        await again.aclose()

    play(run())


def test_what_a_frozen_member_was_asked_is_settled_by_a_touch(own_etcd: EtcdServer) -> None:
    """Whether it is carried out when the member goes on is up to the member (R7)."""
    revision = 0

    def write(value: bytes) -> Transaction:
        return Transaction((ModRevision(b"a", revision),), (Put(b"a", value),))

    async def run() -> None:
        nonlocal revision
        outcome = await opened([own_etcd.url], Clock()).transact(put(b"a", b"old"))
        assert isinstance(outcome, Done)
        revision = outcome.revision
        own_etcd.freeze()
        hasty = opened([own_etcd.url], Clock(), times=Times(answer=200))
        assert isinstance(await hasty.transact(write(b"late")), Unknown)
        own_etcd.go_on()
        patient = opened([own_etcd.url], Clock())
        touched = await patient.transact(write(b"old"))
        page = await patient.read_range(b"a", b"b")
        expected = {Done: b"old", Refused: b"late"}[type(touched)]
        assert [item.value for item in page.items] == [expected]
        assert page.items[0].mod_revision == revision + 1
        assert isinstance(await patient.transact(write(b"later")), Refused)

    play(run())


def test_a_login_is_renewed_when_its_token_is_not_valid_any_more(own_etcd: EtcdServer) -> None:
    own_etcd.post("auth/user/add", {"name": "root", "password": "secret"})
    own_etcd.post("auth/user/grant", {"user": "root", "role": "root"})
    own_etcd.post("auth/enable", {})

    async def run() -> None:
        nobody = opened([own_etcd.url], Clock())
        with pytest.raises(RequestRefusedError):
            await nobody.read_range(b"a", b"b")
        wrong = opened([own_etcd.url], Clock(), login=Login("root", "wrong"))
        with pytest.raises(RequestRefusedError):
            await wrong.transact(put())
        store = opened([own_etcd.url], Clock(), login=Login("root", "secret"))
        assert isinstance(await store.transact(put(b"a", b"1")), Done)
        own_etcd.stop()  # it keeps simple tokens in memory only
        own_etcd.start()
        page = await store.read_range(b"a", b"b")
        assert [item.value for item in page.items] == [b"1"]
        told = store.watch(b"a", b"b", page.revision)
        assert len(await changes_from(told, 1)) == 1
        await told.aclose()
        own_etcd.stop()
        own_etcd.start()
        with pytest.raises(StoreAwayError):
            await anext(store.watch(b"a", b"b", page.revision))
        assert len(await changes_from(store.watch(b"a", b"b", page.revision), 1)) == 1

    play(run())


def test_a_watch_at_a_member_without_leader_ends(tmp_path: Path) -> None:
    """It would tell nothing, and its connection would be fine."""

    async def run(one: EtcdServer, other: EtcdServer) -> None:
        store = opened([one.url], Clock(), times=Times(silence=600_000))
        await put_at_last(store, b"1")
        told = store.watch(b"a", b"b", 2)
        await changes_from(told, 1)
        other.stop()
        with pytest.raises(StoreAwayError):
            await changes_from(told, 9)

    require_etcd()
    with running_members(tmp_path, 2) as (one, other):
        play(run(one, other))


def test_another_member_is_asked_where_one_is_gone(tmp_path: Path) -> None:
    async def run(members: list[EtcdServer]) -> None:
        store = opened([each.url for each in members], Clock(), times=Times(answer=1_000))
        await put_at_last(store, b"1")
        told = store.watch(b"a", b"b", 2)
        await changes_from(told, 1)
        members[0].stop()
        with pytest.raises(StoreAwayError):
            await changes_from(told, 9)
        await put_at_last(store, b"2")
        page = await store.read_range(b"a", b"b")
        assert [item.value for item in page.items] == [b"2"]
        again = store.watch(b"a", b"b", page.revision)
        assert [each.revision for each in await changes_from(again, 1)] == [page.revision]
        await again.aclose()

    require_etcd()
    with running_members(tmp_path, 3) as members:
        play(run(members))


def test_over_tls_the_certificate_is_looked_at(tmp_path: Path) -> None:
    authority = Authority()
    address = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = authority.issue(tmp_path, alternatives=address)
    trust = ssl.create_default_context(cafile=str(authority.write(tmp_path / "root.pem")))

    async def run(server: EtcdServer) -> None:
        store = opened([server.url], Clock(), tls=trust)
        assert isinstance(await store.transact(put(b"a")), Done)
        told = store.watch(b"a", b"b", 2)
        assert len(await changes_from(told, 1)) == 1
        await told.aclose()
        stranger = opened([server.url], Clock())
        with pytest.raises(StoreAwayError):
            await stranger.transact(put(b"a"))

    require_etcd()
    with running_etcd(tmp_path, certificate) as server:
        play(run(server))
