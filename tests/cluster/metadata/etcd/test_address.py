"""The address of etcd, as one process hands it to another."""

import asyncio
import ipaddress
from pathlib import Path

import orjson
import pytest
from cryptography import x509

from cluster.metadata.etcd.address import EtcdAddress, address_of
from cluster.metadata.port import end_of_prefix
from tests.support.certificates import Authority
from tests.support.etcd_server import EtcdServer, require_etcd, running_etcd
from tests.support.etcd_stores import Clock


def test_it_comes_as_it_was() -> None:
    address = EtcdAddress(
        ("http://a:1", "http://b:2"), "u", "p\u00e4ss", ca_file="/ca", answer_ms=7
    )
    assert address_of(address.octets()) == address


def test_each_member_is_the_first_one_once() -> None:
    address = EtcdAddress(("http://a:1", "http://b:2", "http://c:3"), "u")
    found = address.by_member()
    assert [each.endpoints[0][7] for each in found] == ["a", "b", "c"]
    assert {(*sorted(each.endpoints), each.user) for each in found} == {(*address.endpoints, "u")}


@pytest.mark.parametrize("fields", [[], {}, {"endpoints": 1}, {"endpoints": ["a"], "other": 1}])
def test_what_is_none_is_refused(fields: object) -> None:
    with pytest.raises(ValueError, match="expected the address of etcd"):
        address_of(orjson.dumps(fields))


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="expected the address of etcd"):
        address_of(b"{")


async def count_of(address: EtcdAddress) -> int:
    store = address.opened(Clock())
    try:
        page = await store.read_range(b"address/", end_of_prefix(b"address/"))
    finally:
        await store.close()
    return len(page.items)


def test_it_opens_a_store(etcd: EtcdServer) -> None:
    assert asyncio.run(count_of(EtcdAddress((etcd.url,)))) == 0


def test_it_trusts_whom_its_file_says(tmp_path: Path) -> None:
    require_etcd()
    authority = Authority()
    loopback = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    root = authority.write(tmp_path / "root.pem")
    with running_etcd(tmp_path, authority.issue(tmp_path, "etcd", loopback)) as server:
        address = EtcdAddress((server.url,), ca_file=str(root))
        assert asyncio.run(count_of(address)) == 0
