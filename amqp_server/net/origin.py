"""Finds the peer of a connection from the socket, the PROXY header and the TLS handshake."""

import asyncio
import socket
import ssl
from dataclasses import replace

from amqp_server.connections.peer import Peer, is_loopback_address, normal_address
from amqp_server.net.certificate_names import Certificate, describe, name_for_login
from amqp_server.net.proxy_protocol import (
    HEADER_BYTES_MAX,
    ProxyHeader,
    ProxyHeaderError,
    ProxyHeaderParser,
)
from amqp_server.net.settings import LoginFrom


def peer_of(accepted: socket.socket) -> Peer:
    """Return the peer by the addresses of a TCP or Unix socket.

    Raises:
        OSError: the peer is gone already.
    """
    if accepted.family == socket.AF_UNIX:
        return Peer("", 0, accepted.getsockname(), 0, is_loopback=True)
    address, port = accepted.getpeername()[:2]
    server_address, server_port = accepted.getsockname()[:2]
    return Peer(
        normal_address(address),
        port,
        normal_address(server_address),
        server_port,
        is_loopback=is_loopback_address(address),
    )


def behind_proxy(proxy: Peer, header: ProxyHeader) -> Peer:
    """Return the peer that a proxy speaks for.

    A header cannot make a client of another host local. If the proxy is on another host, its
    127.0.0.1 is not ours, and a client that it does not name may be from anywhere.
    """
    if header.is_local:
        return proxy
    if header.source_address is None:
        return replace(proxy, is_loopback=False)
    address = normal_address(header.source_address)
    return replace(
        proxy,
        address=address,
        port=header.source_port,
        server_address=normal_address(header.server_address or proxy.server_address),
        server_port=header.server_port,
        is_loopback=proxy.is_loopback and is_loopback_address(address),
    )


def with_tls(peer: Peer, ssl_object: ssl.SSLObject | None, login_from: LoginFrom) -> Peer:
    """Return the peer with the results of the TLS handshake; None: there was none."""
    if ssl_object is None:
        return peer
    certificate: Certificate = ssl_object.getpeercert() or {}
    cipher = ssl_object.cipher()
    return replace(
        peer,
        is_tls=True,
        certificate_name=name_for_login(certificate, login_from),
        tls_version=ssl_object.version(),
        tls_cipher=None if cipher is None else cipher[0],
        certificate=describe(certificate),
    )


async def read_proxy_header(
    loop: asyncio.AbstractEventLoop, accepted: socket.socket
) -> ProxyHeader:
    """Take a PROXY header off a non-blocking socket, and no byte behind it.

    The caller limits the time.

    Raises:
        ProxyHeaderError: the input is no PROXY header, or the input ends.
        OSError: the connection is gone.
    """
    parser = ProxyHeaderParser()
    while parser.header is None:
        await _until_readable(loop, accepted)
        try:
            seen = accepted.recv(HEADER_BYTES_MAX, socket.MSG_PEEK)
        except BlockingIOError:
            continue
        if not seen:
            raise ProxyHeaderError("the proxy closed before it had sent a PROXY header")
        accepted.recv(parser.feed(seen))
    return parser.header


async def _until_readable(loop: asyncio.AbstractEventLoop, accepted: socket.socket) -> None:
    readable = loop.create_future()
    loop.add_reader(accepted, _set_once, readable)
    try:
        await readable
    finally:
        loop.remove_reader(accepted)


def _set_once(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
