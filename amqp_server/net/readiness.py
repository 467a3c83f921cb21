"""Tells a service manager that the node is ready, and that it stops.

With ``Type=notify`` systemd waits for the first. So services ordered behind this one start when
clients can connect, and not when the process exists. Without NOTIFY_SOCKET nothing is sent.

Source: systemd, sd_notify(3): datagrams of lines to the socket that NOTIFY_SOCKET names.
"""

import logging
import os
import socket
from typing import Final

log = logging.getLogger(__name__)

ADDRESS_VARIABLE: Final = "NOTIFY_SOCKET"
_ABSTRACT: Final = "@"


def tell_ready(status: str) -> None:
    """Report that clients may connect; ``systemctl status`` shows the status."""
    _tell(f"READY=1\nSTATUS={_one_line(status)}\nMAINPID={os.getpid()}")


def tell_stopping() -> None:
    """Report that the node stops in order."""
    _tell("STOPPING=1\nSTATUS=stopping")


def _tell(lines: str) -> None:
    address = os.environ.get(ADDRESS_VARIABLE)
    if not address:
        return
    if address.startswith(_ABSTRACT):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.settimeout(0)
            sender.sendto(lines.encode(), address)
    except OSError as error:
        log.warning("the service manager cannot be told address=%r error=%s", address, error)


def _one_line(text: str) -> str:
    return text.replace("\n", " ")
