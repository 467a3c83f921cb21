"""``haremq ping`` and ``haremq check`` at their fastest: a socket, one request, no library.

Probes of containers run them every few seconds. Here only success is told; whatever else there is,
the command itself finds out and says in full.
"""

import os
import socket
import stat
from collections.abc import Sequence
from typing import Final

TOOLS: Final = frozenset(
    {
        "rabbitmqctl",
        "rabbitmq-diagnostics",
        "rabbitmq-plugins",
        "rabbitmq-queues",
        "rabbitmq-streams",
        "rabbitmq-upgrade",
        "rabbitmqadmin",
    }
)
"""Names under which the program is another one."""

PING: Final = "is-in-service"
_CHECKS: Final = {
    "in-service": PING,
    "ready": "ready-to-serve-clients",
    "below-connection-limit": "below-node-connection-limit",
}
"""Checks that need no login."""

_SOCKETS: Final = (
    "haremq-data/control.sock",
    "/var/lib/haremq/control.sock",
    "/run/haremq/control.sock",
)
_ADDRESS: Final = ("127.0.0.1", 15_672)
TIMEOUT_S: Final = 5.0
OCTETS: Final = 4096


def probed(words: Sequence[str]) -> int | None:
    """Return the exit status of a probe; None: it is none, or did not succeed.

    Args:
        words: the command line, without the name of the program.
    """
    check = _check_of(words)
    if check is None or any(name.startswith("HAREMQ_") for name in os.environ):
        return None
    try:
        first = _asked(check)
    except OSError:
        return None
    if not first.startswith(b"HTTP/1.1 200 "):
        return None
    text = f"{words[1]}: ok\n" if words[0] == "check" else "the node answers\n"
    try:
        os.write(1, text.encode())
    except OSError:
        return None
    return 0


def _check_of(words: Sequence[str]) -> str | None:
    if list(words) == ["ping"]:
        return PING
    return _CHECKS.get(words[1]) if len(words) == 2 and words[0] == "check" else None  # noqa: PLR2004


def _asked(check: str) -> bytes:
    with _connected() as connection:
        head = f"GET /api/health/checks/{check} HTTP/1.1\r\nhost: localhost\r\n"
        connection.sendall(f"{head}connection: close\r\n\r\n".encode())
        return connection.recv(OCTETS)


def _connected() -> socket.socket:
    for path in _SOCKETS:
        if _is_ours(path):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(TIMEOUT_S)
            try:
                connection.connect(path)
            except OSError:
                connection.close()
                raise
            return connection
    return socket.create_connection(_ADDRESS, TIMEOUT_S)


def _is_ours(path: str) -> bool:
    try:
        found = os.stat(path)  # noqa: PTH116 -- pathlib takes as long as all of this
    except OSError:
        return False
    is_trusted = path.startswith("/") or found.st_uid in {0, os.geteuid()}
    return stat.S_ISSOCK(found.st_mode) and is_trusted
