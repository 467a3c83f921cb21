"""Purposes of links, kinds of envelopes, and the bits of their flags.

The hello of a link says which versions of its purpose a node speaks (``hello.VERSION_MIN``,
``VERSION_MAX``), and the nodes agree on the greatest that both do. Who adds a kind or a flag raises
``VERSION_MAX``, and sends it only where the agreed version has it. Otherwise an older node ends the
link, as it does not understand it.
"""

from enum import IntEnum, IntFlag


class Purpose(IntEnum):
    """What a link is for. The dialer chooses; its versions are counted for each purpose."""

    MIRRORING = 1
    FRONTS = 2
    ASKING = 3


class Kind(IntEnum):
    """What an envelope holds."""

    HELLO = 1
    PROOF = 2
    HEARTBEAT = 3
    GOODBYE = 4
    QUEUE = 5
    CREDIT = 6
    PIECE = 7
    FENCE = 16
    TAIL = 17
    SNAPSHOT = 18
    APPEND = 19
    PART = 20
    COMMIT_NOTE = 21
    LET_GO = 22
    ENDS = 32
    GOT = 33
    REFUSED = 34
    ACK = 35
    SEEN = 36
    WANT = 37
    FOLLOW = 38


class Flag(IntFlag):
    """``EPOCH_START``: the one record is the beginning of an epoch, and no octets follow."""

    NONE = 0
    EPOCH_START = 1


LEADER_KINDS = frozenset(
    {
        Kind.FENCE,
        Kind.TAIL,
        Kind.SNAPSHOT,
        Kind.APPEND,
        Kind.PART,
        Kind.COMMIT_NOTE,
        Kind.LET_GO,
        Kind.PIECE,
    }
)
MIRROR_KINDS = frozenset(
    {
        Kind.ENDS,
        Kind.GOT,
        Kind.REFUSED,
        Kind.ACK,
        Kind.CREDIT,
        Kind.SEEN,
        Kind.WANT,
        Kind.FOLLOW,
    }
)
SHARED_KINDS = frozenset({Kind.HEARTBEAT, Kind.GOODBYE, Kind.QUEUE})
