"""The control socket of a node: a listening Unix socket, for its own user and group only."""

import contextlib
import errno
import socket
import stat
from pathlib import Path
from typing import Final

from amqp_server.net.listener import ListenError

MODE: Final = 0o660
BACKLOG: Final = 16


def open_local_socket(path: Path, key: str) -> socket.socket:
    """Open a listening Unix socket; one that nobody listens on any more is replaced.

    Its mode is set before it listens, so that nobody else can connect in between.

    Args:
        path: of the socket.
        key: of the path in the settings, for the error.

    Raises:
        ListenError: the path cannot be used, or another process listens there.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_deserted(path)
        listening.bind(str(path))
        path.chmod(MODE)
        listening.listen(BACKLOG)
        listening.setblocking(False)  # noqa: FBT003 -- the library's
    except OSError as error:
        listening.close()
        reason = error.strerror or str(error)
        raise ListenError(f"{key}: cannot listen on {path}: {reason}") from error
    return listening


def close_local_path(path: Path) -> None:
    """Remove the path of a socket that is closed."""
    with contextlib.suppress(OSError):
        path.unlink()


def _remove_deserted(path: Path) -> None:
    """Remove a socket that a process left behind.

    Raises:
        OSError: it is no socket, or somebody listens on it.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise OSError(errno.EEXIST, "something else is there")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise OSError(errno.EADDRINUSE, "another process listens there")
