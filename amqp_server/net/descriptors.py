"""File descriptors: how many the process may have, and who has which part of them.

    | open at start | files: long queues, the log, definitions, checkpoints | sockets: the rest |

What the disk needs is kept apart, so that connections, which anybody may open, are what there is
none left for: a node without a descriptor for its log confirms nothing.
"""

import resource
from pathlib import Path
from typing import Final, NamedTuple

FILES_KEPT: Final = 32
"""Descriptors of files and folders that are opened for a moment, or are always open."""

SEGMENTS_PART: Final = 8
"""Open segments of long queues get one part in so many at most."""

UNLIMITED: Final = 1 << 20
"""What an unlimited process is taken to have: as many as Linux gives by default at most."""

_OPEN: Final = Path("/proc/self/fd")


class TooFewDescriptorsError(Exception):
    """The limit leaves none for sockets; the text says how many it takes."""


class Descriptors(NamedTuple):
    """Who may have how many.

    Attributes:
        limit: of the process, with those that it had at start.
        sockets_max: connections.
        segments_max: files of long queues that are open to be written to.
    """

    limit: int
    sockets_max: int
    segments_max: int


def raise_limit() -> int:
    """Take as many descriptors as the system lets this process have; return how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):
            hard = soft
    return UNLIMITED if hard == resource.RLIM_INFINITY else hard


def open_count() -> int:
    """Return how many descriptors are open; where the system does not say, a few."""
    try:
        return sum(1 for _ in _OPEN.iterdir())
    except OSError:
        return FILES_KEPT


def shared_out(limit: int, opened: int, segments_max: int) -> Descriptors:
    """Return who may have how many.

    Args:
        limit: of the process.
        opened: what is open now, and what is going to be until clients come.
        segments_max: what an operator would have for segments.

    Raises:
        TooFewDescriptorsError: nothing is left for sockets.
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
