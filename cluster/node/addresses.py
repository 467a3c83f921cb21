"""Where the links of another node are, from the text in its ``live`` key."""

import ssl

from cluster.links.sockets.dialer import Address, TcpAddress, UnixAddress
from cluster.node.options import UNIX_PREFIX


def address_of(text: str, tls: ssl.SSLContext | None) -> Address | None:
    """Return an address; None where the text is none: the other node says what this cannot dial.

    Args:
        text: ``host:port``, with ``[...]`` around a host of IPv6, or ``unix:<path>``.
        tls: with which links over TCP are encrypted; None: they are not.
    """
    if text.startswith(UNIX_PREFIX):
        path = text[len(UNIX_PREFIX) :]
        return UnixAddress(path) if path else None
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
        return None
    return TcpAddress(host.removeprefix("[").removesuffix("]"), int(port), tls)
