"""PROXY headers, well-formed and hostile, whole and in pieces."""

import struct
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqp_server.net.proxy_protocol import (
    HEADER_BYTES_MAX,
    V1_LINE_BYTES_MAX,
    V2_LENGTH_BYTES_MAX,
    V2_SIGNATURE,
    ProxyHeader,
    ProxyHeaderError,
    ProxyHeaderParser,
)


def v2(command: int = 0x21, family: int = 0x11, payload: bytes = b"") -> bytes:
    return V2_SIGNATURE + bytes((command, family)) + struct.pack(">H", len(payload)) + payload


def v2_addresses(source: str, server: str, source_port: int, server_port: int) -> bytes:
    packed = ip_address(source).packed + ip_address(server).packed
    return packed + struct.pack(">HH", source_port, server_port)


V4 = ProxyHeader(False, "192.0.2.1", 51000, "198.51.100.7", 5672)
V6 = ProxyHeader(False, "2001:db8::1", 51000, "2001:db8::2", 5672)
V4_ADDRESSES = v2_addresses("192.0.2.1", "198.51.100.7", 51000, 5672)
V6_ADDRESSES = v2_addresses("2001:db8::1", "2001:db8::2", 51000, 5672)
LONGEST_V1 = (
    b"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    b" ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"
)

GOOD = {
    "v1 over IPv4": (b"PROXY TCP4 192.0.2.1 198.51.100.7 51000 5672\r\n", V4),
    "v1 over IPv6": (b"PROXY TCP6 2001:db8::1 2001:DB8:0::2 51000 5672\r\n", V6),
    "v1 unknown": (b"PROXY UNKNOWN\r\n", ProxyHeader()),
    "v1 unknown at its longest": (LONGEST_V1, ProxyHeader()),
    "v2 over IPv4": (v2(payload=V4_ADDRESSES), V4),
    "v2 over IPv6": (v2(family=0x21, payload=V6_ADDRESSES), V6),
    "v2 with TLVs": (v2(payload=V4_ADDRESSES + b"\x01\x00\x04amqp"), V4),
    "v2 local": (v2(command=0x20, family=0), ProxyHeader(is_local=True)),
    "v2 local ignores addresses": (v2(0x20, 0x11, V4_ADDRESSES), ProxyHeader(is_local=True)),
    "v2 unspecified": (v2(family=0), ProxyHeader()),
    "v2 Unix sockets": (v2(family=0x31, payload=b"\x00" * 216), ProxyHeader()),
    "v2 at its longest": (v2(payload=V4_ADDRESSES.ljust(V2_LENGTH_BYTES_MAX, b"\x04")), V4),
}

BAD = {
    "AMQP without a header": b"AMQP\x00\x00\x09\x01",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01",
    "HTTP": b"GET / HTTP/1.1\r\n\r\n",
    "lower case": b"proxy TCP4 192.0.2.1 198.51.100.7 51000 5672\r\n",
    "no protocol": b"PROXY \r\n",
    "an unknown protocol": b"PROXY UDP4 192.0.2.1 198.51.100.7 51000 5672\r\n",
    "an IPv6 address in TCP4": b"PROXY TCP4 ::1 198.51.100.7 51000 5672\r\n",
    "an IPv4 address in TCP6": b"PROXY TCP6 127.0.0.1 198.51.100.7 51000 5672\r\n",
    "a leading zero in an address": b"PROXY TCP4 192.0.02.1 198.51.100.7 51000 5672\r\n",
    "a zone": b"PROXY TCP6 fe80::1%lo 2001:db8::2 51000 5672\r\n",
    "a word short": b"PROXY TCP4 192.0.2.1 198.51.100.7 51000\r\n",
    "a word more": b"PROXY TCP4 192.0.2.1 198.51.100.7 51000 5672 9\r\n",
    "two spaces": b"PROXY TCP4  192.0.2.1 198.51.100.7 51000 5672\r\n",
    "a port out of range": b"PROXY TCP4 192.0.2.1 198.51.100.7 65536 5672\r\n",
    "a signed port": b"PROXY TCP4 192.0.2.1 198.51.100.7 +1 5672\r\n",
    "a port with a leading zero": b"PROXY TCP4 192.0.2.1 198.51.100.7 01 5672\r\n",
    "a port in other digits": "PROXY TCP4 192.0.2.1 198.51.100.7 ²1 5672\r\n".encode("latin-1"),
    "a bare line feed": b"PROXY UNKNOWN\n",
    "a line a byte too long": LONGEST_V1[:-2] + b"0\r\n",
    "a line without end": b"PROXY " + b"A" * 200,
    "v2 with a broken signature": V2_SIGNATURE[:-1] + b"X" + b"\x21\x11\x00\x00",
    "v2 of version 1": v2(command=0x11, payload=V4_ADDRESSES),
    "v2 with an unknown command": v2(command=0x22, payload=V4_ADDRESSES),
    "v2 too short for IPv4": v2(payload=V4_ADDRESSES[:-1]),
    "v2 too short for IPv6": v2(family=0x21, payload=V6_ADDRESSES[:-1]),
    "v2 longer than the bound": V2_SIGNATURE
    + b"\x21\x11"
    + struct.pack(">H", V2_LENGTH_BYTES_MAX + 1),
    "v2 of 64 KiB": V2_SIGNATURE + b"\x21\x11\xff\xff",
}


def feed_byte_by_byte(parser: ProxyHeaderParser, header: bytes) -> None:
    for position in range(len(header)):
        assert parser.feed(header[position : position + 1]) == 1
        assert parser.header is None


def test_the_longest_line_of_the_specification_is_our_bound() -> None:
    assert len(LONGEST_V1) == V1_LINE_BYTES_MAX


@pytest.mark.parametrize(("header", "expected"), GOOD.values(), ids=GOOD)
def test_a_header_is_read_and_what_follows_is_left(header: bytes, expected: ProxyHeader) -> None:
    parser = ProxyHeaderParser()
    assert parser.feed(header + b"AMQP\x00\x00\x09\x01\r\n") == len(header)
    assert parser.header == expected


@pytest.mark.parametrize("header", BAD.values(), ids=BAD)
def test_what_is_no_header_is_refused_within_the_bound(header: bytes) -> None:
    with pytest.raises(ProxyHeaderError):
        ProxyHeaderParser().feed(header)
    with pytest.raises(ProxyHeaderError):
        feed_byte_by_byte(ProxyHeaderParser(), header)


@given(name=st.sampled_from(sorted(GOOD)), cuts=st.lists(st.integers(1, 400), max_size=6))
def test_the_pieces_in_which_a_header_arrives_do_not_matter(name: str, cuts: list[int]) -> None:
    header, expected = GOOD[name]
    stream = header + b"following"
    parser = ProxyHeaderParser()
    consumed_count = 0
    for piece_bytes in [*cuts, len(stream)]:
        if parser.header is None:
            consumed_count += parser.feed(stream[consumed_count : consumed_count + piece_bytes])
    assert parser.header == expected
    assert consumed_count == len(header)


@given(
    stream=st.one_of(
        st.binary(min_size=1, max_size=200),
        st.binary(max_size=60).map(lambda tail: V2_SIGNATURE + tail),
        st.binary(max_size=120).map(lambda tail: b"PROXY TCP" + tail + b"\r\n"),
    )
)
def test_random_bytes_are_a_header_or_refused_and_never_more(stream: bytes) -> None:
    parser = ProxyHeaderParser()
    try:
        consumed_count = parser.feed(stream)
    except ProxyHeaderError:
        return
    assert consumed_count <= min(len(stream), HEADER_BYTES_MAX)
    assert (parser.header is not None) or consumed_count == len(stream)
