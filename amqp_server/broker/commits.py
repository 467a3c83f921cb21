"""When something that was written is as safe as it was promised: the port to the group commit.

Source: ADR 12. ``persistence.group_commit.GroupCommit`` has this shape.
"""

from collections.abc import Callable
from typing import Final, Protocol


class Commits(Protocol):
    """The one number that orders safety."""

    @property
    def committed_lsn(self) -> int:
        """Everything written with an LSN up to this is safe; it only grows."""

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        """Call once ``committed_lsn`` has reached this; at once if it has already.

        Calls come in the order of their LSNs, in a turn of their own, and must not raise.
        """


class NothingToCommit:
    """``Commits`` of a broker that keeps everything in memory: all is as safe as it will be."""

    committed_lsn = 0

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        """Call at once."""
        assert lsn == 0, "nothing here has an LSN"
        call()


NOTHING_TO_COMMIT: Final = NothingToCommit()
