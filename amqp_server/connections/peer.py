"""The other end of a connection: the shell's knowledge of a peer, as plain values."""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final

ADDRESSES_REMEMBERED_MAX: Final = 4_096
"""Addresses whose normal form is remembered, so that clients that come again cost less."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The client's side of one connection, after the PROXY header and the TLS handshake.

    Attributes:
        address: the client's IP address, an IPv4-mapped one as plain IPv4; "" on a Unix socket.
        port: the client's port; 0 on a Unix socket.
        server_address: the address it connected to; the socket's path on a Unix socket.
        server_port: the port it connected to; 0 on a Unix socket.
        is_loopback: it runs on this host (RabbitMQ, ``loopback_users``). A Unix socket is local;
            a client that a proxy speaks for is local only if the proxy is, too.
        is_tls: bytes are encrypted between us and the opener of the TCP connection.
        certificate_name: the user that mechanism EXTERNAL logs in; None where the peer presented
            no verified certificate, or one without such a name.
        tls_version: e.g. ``TLSv1.3``; None without TLS.
        tls_cipher: OpenSSL's name, e.g. ``TLS_AES_256_GCM_SHA384``; None without TLS.
        certificate: the content of the peer's certificate; None if it presented none.
    """

    address: str
    port: int
    server_address: str
    server_port: int
    is_loopback: bool
    is_tls: bool = False
    certificate_name: str | None = None
    tls_version: str | None = None
    tls_cipher: str | None = None
    certificate: "PeerCertificate | None" = None

    @property
    def connection_name(self) -> str:
        """RabbitMQ's name of a connection: ``127.0.0.1:51000 -> 127.0.0.1:5672``."""
        return (
            f"{_host(self.address)}:{self.port} -> {_host(self.server_address)}:{self.server_port}"
        )

    def __str__(self) -> str:
        """Return ``connection_name``, so that it is made only if a log line is written."""
        return self.connection_name


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """A verified client certificate, as RabbitMQ's connection objects print it.

    Attributes:
        subject: distinguished name, most specific part first.
        issuer: distinguished name of its signer.
        validity: ``2026-01-01T00:00:00Z - 2036-01-01T00:00:00Z``.
    """

    subject: str
    issuer: str
    validity: str


@lru_cache(ADDRESSES_REMEMBERED_MAX)
def normal_address(address: str) -> str:
    """Return an IP address in its shortest form, an IPv4-mapped one as IPv4.

    Other text (a host name, a path) is returned unchanged. A zone
    (``fe80::1%eth0``) is kept.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(parsed)


@lru_cache(ADDRESSES_REMEMBERED_MAX)
def is_loopback_address(address: str) -> bool:
    """Return whether an address is of this host: 127.0.0.0/8, also IPv4-mapped, or ::1."""
    try:
        return ip_address(normal_address(address)).is_loopback
    except ValueError:
        return False


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
