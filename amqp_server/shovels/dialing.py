"""The sockets of shovels: to a host with or without TLS, or to this node itself."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Final, TypeAlias

from amqp_server.broker.shovels.uris import AmqpUri

Dialled: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]

BUFFER_BYTES: Final = 65_536
"""Of input that was not looked at yet."""


async def dial(uri: AmqpUri) -> Dialled:
    """Connect to a host.

    Raises:
        OSError: it cannot be reached, or its certificate is not trusted.
    """
    context = tls_context(uri) if uri.is_tls else None
    name = uri.options.get("server_name_indication", uri.host) if uri.is_tls else None
    return await asyncio.open_connection(
        uri.host, uri.port, ssl=context, server_hostname=name, limit=BUFFER_BYTES
    )


def tls_context(uri: AmqpUri) -> ssl.SSLContext:
    """Return how to speak TLS with a host; unless the URI says otherwise, it must prove its name.

    Raises:
        OSError: a file cannot be read, or is no certificate.
    """
    options = uri.options
    context = ssl.create_default_context(cafile=options.get("cacertfile"))
    if options.get("verify") == "verify_none":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if "certfile" in options:
        context.load_cert_chain(
            options["certfile"], options.get("keyfile"), options.get("password", "")
        )
    return context


async def dial_ourselves(adopt: Callable[[socket.socket], None]) -> Dialled:
    """Connect to this node over the loopback, whatever it listens on.

    Args:
        adopt: takes the node's end of the connection.

    Raises:
        OSError: there are no sockets left.
    """
    near, far = loopback_pair()
    try:
        adopt(far)
    except OSError:
        near.close()
        far.close()
        raise
    return await asyncio.open_connection(sock=near, limit=BUFFER_BYTES)


def loopback_pair() -> tuple[socket.socket, socket.socket]:
    """Return two connected TCP sockets, which nobody else could have connected to.

    Raises:
        OSError: there are no sockets left.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listening:
        near = socket.create_connection(listening.getsockname())
        try:
            while True:
                far, peer = listening.accept()
                if peer == near.getsockname():
                    break
                far.close()  # somebody else was faster
        except BaseException:
            near.close()
            raise
    near.setblocking(False)  # noqa: FBT003 - the library's name
    far.setblocking(False)  # noqa: FBT003
    return near, far
