r"""The PROXY header, in which a load balancer in front of us names the real client.

    v1   PROXY TCP4 192.0.2.1 198.51.100.7 51000 5672 CR LF            at most 107 bytes

    v2   0               12      13      14       16
         | 0D0A0D0A000D0A515549540A | version, | family, | length | addresses, TLVs ...
                                      command    protocol   u16      length bytes

It is parsed from pieces as they arrive, within a bound. No byte behind it is taken, because a TLS
hello may follow. TLVs are skipped.

Source: HAProxy, "The PROXY protocol", versions 1 and 2 (2020/03/05).
"""

import struct
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NamedTuple

V1_LINE_BYTES_MAX: Final = 107
"""Longest line of version 1, CR LF included (section 2.1)."""

V2_LENGTH_BYTES_MAX: Final = 2_048
"""Addresses and TLVs of version 2: 216 for Unix addresses, and room for the TLVs of TLS."""

V2_SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_V2_FIXED_BYTES: Final = 16
_V1_SIGNATURE: Final = b"PROXY "

HEADER_BYTES_MAX: Final = _V2_FIXED_BYTES + V2_LENGTH_BYTES_MAX
"""No header of any version is longer than this."""

_V1_WORDS: Final = 6
_PORT_MAX: Final = 65_535
_V2_COMMAND_LOCAL: Final = 0x20
_V2_COMMAND_PROXY: Final = 0x21
_V2_TCP4: Final = 0x11
_V2_TCP6: Final = 0x21
_V2_IPV4: Final = struct.Struct(">4s4sHH")
_V2_IPV6: Final = struct.Struct(">16s16sHH")

assert len(V2_SIGNATURE) == 12, "the drawing above says 12"  # noqa: PLR2004 - the drawing


class ProxyHeaderError(Exception):
    """The input is no PROXY header; the connection must be closed without an answer."""


class ProxyHeader(NamedTuple):
    """The client that the proxy names.

    Attributes:
        is_local: the proxy connected for itself (a health check), so the TCP connection's own
            addresses are right.
        source_address: the client; None when the proxy does not say (v1 UNKNOWN, v2 UNSPEC or a
            Unix socket). Then the TCP connection's own addresses are used, but the client may be
            on any host.
        source_port: the client's port; 0 if unknown.
        server_address: the address that the client connected to; None if unknown.
        server_port: its port; 0 if unknown.
    """

    is_local: bool = False
    source_address: str | None = None
    source_port: int = 0
    server_address: str | None = None
    server_port: int = 0


class ProxyHeaderParser:
    """Takes one header off the front of a stream.

    The caller feeds it the visible bytes of the stream, and it returns how many of them are the
    header's. These bytes must be consumed and not be fed again.

    Invariant: holds at most ``HEADER_BYTES_MAX`` bytes.
    """

    def __init__(self) -> None:
        self._taken = bytearray()
        self.header: ProxyHeader | None = None

    def feed(self, seen: bytes) -> int:
        """Look at the next bytes of the stream.

        Args:
            seen: bytes after those already taken; at least one.

        Returns:
            How many of them belong to the header. ``header`` is set once it is complete. Until
            then every byte seen belongs to it.

        Raises:
            ProxyHeaderError: this is no PROXY header, or one beyond the bounds.
        """
        assert self.header is None, "the header is complete; what follows is not ours"
        known_count = len(self._taken)
        stream = bytes(self._taken) + seen
        end = _end_of_v2(stream) if stream[0] == V2_SIGNATURE[0] else _end_of_v1(stream)
        if end is None:
            self._taken += seen
            return len(seen)
        self.header = (
            _parse_v2(stream[:end])
            if stream[0] == V2_SIGNATURE[0]
            else _parse_v1(stream[: end - 2])
        )
        return end - known_count


def _end_of_v1(stream: bytes) -> int | None:
    """Return where the line ends, CR LF included; None while it has not been seen whole."""
    if not _V1_SIGNATURE.startswith(stream[: len(_V1_SIGNATURE)]):
        raise ProxyHeaderError("the first bytes are no PROXY header")
    newline = stream.find(b"\n", 0, V1_LINE_BYTES_MAX)
    if newline < 0:
        if len(stream) >= V1_LINE_BYTES_MAX:
            raise ProxyHeaderError(f"a PROXY line longer than {V1_LINE_BYTES_MAX} bytes")
        return None
    if stream[newline - 1 : newline] != b"\r":
        raise ProxyHeaderError("a PROXY line that does not end in CR LF")
    return newline + 1


def _end_of_v2(stream: bytes) -> int | None:
    """Return where the header ends; None while it has not been seen whole."""
    if not V2_SIGNATURE.startswith(stream[: len(V2_SIGNATURE)]):
        raise ProxyHeaderError("the first bytes are no PROXY header")
    if len(stream) < _V2_FIXED_BYTES:
        return None
    length_bytes = int.from_bytes(stream[14:16], "big")
    if length_bytes > V2_LENGTH_BYTES_MAX:
        raise ProxyHeaderError(f"a PROXY header longer than {HEADER_BYTES_MAX} bytes")
    end = _V2_FIXED_BYTES + length_bytes
    return end if len(stream) >= end else None


def _parse_v1(line: bytes) -> ProxyHeader:
    """Read a line without its CR LF, strictly as section 2.1 says."""
    words = line.decode("latin-1").split(" ")
    if words[1] == "UNKNOWN":
        return ProxyHeader()
    address_of: Callable[[str], IPv4Address | IPv6Address]
    if words[1] == "TCP4":
        address_of = IPv4Address
    elif words[1] == "TCP6":
        address_of = IPv6Address
    else:
        raise ProxyHeaderError("a PROXY line of an unknown protocol")
    if len(words) != _V1_WORDS or "%" in line.decode("latin-1"):
        raise ProxyHeaderError("a PROXY line without two addresses and two ports")
    try:
        source, server = address_of(words[2]), address_of(words[3])
    except ValueError:
        raise ProxyHeaderError("a PROXY line with a malformed address") from None
    return ProxyHeader(
        is_local=False,
        source_address=str(source),
        source_port=_v1_port(words[4]),
        server_address=str(server),
        server_port=_v1_port(words[5]),
    )


def _v1_port(word: str) -> int:
    """Read a decimal port: ASCII digits, no sign, no leading zero."""
    if word.isascii() and word.isdigit() and len(word) <= len(str(_PORT_MAX)):
        port = int(word)
        if port <= _PORT_MAX and str(port) == word:
            return port
    raise ProxyHeaderError("a PROXY line with a malformed port")


def _parse_v2(header: bytes) -> ProxyHeader:
    """Read a whole binary header."""
    command, family = header[12], header[13]
    if command == _V2_COMMAND_LOCAL:
        return ProxyHeader(is_local=True)
    if command != _V2_COMMAND_PROXY:
        raise ProxyHeaderError("a PROXY header of an unknown version or command")
    layout = {_V2_TCP4: _V2_IPV4, _V2_TCP6: _V2_IPV6}.get(family)
    if layout is None:
        return ProxyHeader()  # UNSPEC, UDP, Unix: must be ignored (section 2.2)
    if len(header) < _V2_FIXED_BYTES + layout.size:
        raise ProxyHeaderError("a PROXY header too short for its addresses")
    source, server, source_port, server_port = layout.unpack_from(header, _V2_FIXED_BYTES)
    address_of = IPv4Address if family == _V2_TCP4 else IPv6Address
    return ProxyHeader(
        is_local=False,
        source_address=str(address_of(source)),
        source_port=source_port,
        server_address=str(address_of(server)),
        server_port=server_port,
    )
