"""The way to a replica's messages: as for those of any queue, but what is damaged is not given up.

Another replica may have what cannot be read here. Who knows the others says so.
"""

import errno
from collections.abc import Callable

from persistence.errors import DamagedError
from persistence.log import Appending, Log
from persistence.log_state import LogState


class Damage:
    """What becomes of messages of a replica that cannot be read.

    Attributes:
        keeps: takes note of damage; returns whether what cannot be read is kept, because another
            replica may have it. At first nobody knows of others.
    """

    def __init__(self) -> None:
        self.keeps: Callable[[DamagedError], bool] = _never

    def refuse(self, error: DamagedError) -> None:
        """Refuse to leave out what cannot be read, where it is kept.

        Raises:
            OSError: it is kept.
        """
        if self.keeps(error):
            raise OSError(errno.EIO, str(error)) from error


class ReplicaMessages(Log):
    """The messages that are in segments; nothing is appended to it.

    Args:
        state: of the replica.
        commit: the node's group commit.
        damage: is asked before anything is given up.
    """

    def __init__(self, state: LogState, commit: Appending, damage: Damage) -> None:
        super().__init__(state, commit)
        self._damage = damage

    def keeps_damaged(self, error: DamagedError) -> bool:
        """Return whether messages that cannot be read are kept; then their read is refused."""
        return self._damage.keeps(error)


def _never(_error: DamagedError) -> bool:
    return False
