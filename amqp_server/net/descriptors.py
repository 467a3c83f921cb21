"""File descriptors: the limit of the process, and its parts for files and sockets.

    | open at start | files: long queues, the log, definitions, checkpoints | sockets: the rest |

A node without a descriptor for its log confirms nothing. So the descriptors for files are reserved,
and only connections, which anybody may open, can run out of them.
"""

import os
import resource
from pathlib import Path
from typing import Final, NamedTuple

FILES_KEPT: Final = 32
"""Descriptors of files and folders that are opened for a moment, or are always open."""

SEGMENTS_PART: Final = 8
"""Open segments of long queues get at most one part in this many."""

UNLIMITED: Final = 1 << 20
"""The assumed limit of an unlimited process: the highest that Linux allows by default."""

_OPEN: Final = Path("/proc/self/fd")


class TooFewDescriptorsError(Exception):
    """The limit leaves none for sockets; the text says how many are needed."""


class Descriptors(NamedTuple):
    """The parts of the limit.

    Attributes:
        limit: of the process, including those open at start.
        sockets_max: connections.
        segments_max: files of long queues that are open to be written to.
    """

    limit: int
    sockets_max: int
    segments_max: int


def raise_limit() -> int:
    """Raise the limit of this process as far as the system allows; return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):
            hard = soft
    return UNLIMITED if hard == resource.RLIM_INFINITY else hard


def open_count() -> int:
    """Return how many descriptors are open; a small guess if the system does not say."""
    try:
        return len(os.listdir(_OPEN))  # noqa: PTH208 -- in one call: there may be ten thousand
    except OSError:
        return FILES_KEPT


def shared_out(limit: int, opened: int, segments_max: int) -> Descriptors:
    """Return the parts of the limit.

    Args:
        limit: of the process.
        opened: descriptors open now, and those to be opened before clients come.
        segments_max: the operator's limit for segments.

    Raises:
        TooFewDescriptorsError: none are left for sockets.
    """
    segments = max(min(segments_max, limit // SEGMENTS_PART), 1)
    sockets = limit - opened - FILES_KEPT - segments
    if sockets < 1:
        needed = opened + FILES_KEPT + segments + 1
        raise TooFewDescriptorsError(
            f"expected a limit of at least {needed} file descriptors (RLIMIT_NOFILE, ulimit -n), "
            f"got {limit}"
        )
    return Descriptors(limit, sockets, segments)
