"""What a node and the process that renews its lease tell each other, over a socket pair.

     0        1          9         17         25
     ├────────┼──────────┼──────────┼──────────┤
     │ kind   │ lease    │ TTL, ms  │ at, ms   │    all numbers big-endian, signed
     └────────┴──────────┴──────────┴──────────┘

``at`` is of ``time.monotonic``, which all processes of a host share on Linux. What a kind does not
need is 0.
"""

from collections.abc import Iterator
from enum import Enum
from struct import Struct
from typing import Final, NamedTuple

_LAYOUT: Final = Struct(">cqqq")
FRAME_BYTES: Final = _LAYOUT.size

LENGTH: Final = Struct(">I")
"""Of the address of etcd, which the node sends before any frame."""


class Kind(Enum):
    """What a frame says.

    ``HOLD`` and ``BEAT`` come from the node: renew this lease, where 0 is none, and a sign of life
    of its loop. ``READY`` is the first word of the process: it can renew from now on. The others
    are the answer to each try: renewed, gone, or the store did not answer.
    """

    HOLD = b"H"
    BEAT = b"B"
    READY = b"S"
    RENEWED = b"R"
    GONE = b"G"
    AWAY = b"A"


class Frame(NamedTuple):
    """A frame; ``at_ms`` of a beat is when it was given, of a lease when it was asked for."""

    kind: Kind
    lease: int = 0
    ttl_ms: int = 0
    at_ms: int = 0

    def octets(self) -> bytes:
        """Return it as it is sent."""
        return _LAYOUT.pack(self.kind.value, self.lease, self.ttl_ms, self.at_ms)


class FrameReader:
    """Puts frames together out of what a socket gives."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, octets: bytes) -> Iterator[Frame]:
        """Yield the frames that are whole now.

        Raises:
            ValueError: a kind is unknown; nothing behind it can be read.
        """
        self._rest += octets
        whole = len(self._rest) // FRAME_BYTES * FRAME_BYTES
        frames, self._rest = self._rest[:whole], self._rest[whole:]
        for kind, lease, ttl_ms, at_ms in _LAYOUT.iter_unpack(frames):
            yield Frame(Kind(kind), lease, ttl_ms, at_ms)
