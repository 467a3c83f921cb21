"""What takes the place of a replica's messages, as a link and the write-ahead log carry it.

byte 0       8                 16
     | since | published bytes | the messages, as persistence.queue_row draws them | PUBLISHED ...
       u64     u64

On a link there are no chunks in it: those came before, one by one. In the write-ahead log it names
the chunks that this node wrote of them.
"""

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from persistence.errors import DamagedError
from persistence.files import Octets
from persistence.front_numbers import Published, encode_published
from persistence.operations import decode_operations
from persistence.queue_row import QueueSnapshot, decode_queue_row
from persistence.settled import PositionSet

_HEAD: Final = struct.Struct("<QQ")


class Content(NamedTuple):
    """The messages of a replica at an index.

    Attributes:
        since: those at positions below it are the ones that the replica has, as far as they are not
            settled now; 0: it has none of them.
        messages: those from there on, and for all positions what is settled and was requeued.
        published: how far front ends had published.
    """

    since: int
    messages: QueueSnapshot
    published: Sequence[Published]

    def encode(self) -> bytes:
        """Return its octets."""
        published = b"".join(map(encode_published, self.published))
        head = _HEAD.pack(self.since, len(published))
        return b"".join((head, self.messages.encode(), published))


def nothing() -> Content:
    """Return that a replica has no message, and never had one."""
    return Content(0, QueueSnapshot(0, 0, 0, 0, PositionSet(), ()), ())


def decode_content(queue_id: int, octets: Octets) -> Content:
    """Return what octets say.

    Raises:
        DamagedError: they are no content.
    """
    try:
        since, published_bytes = _HEAD.unpack_from(octets)
        messages_end = len(octets) - published_bytes
        messages = decode_queue_row(queue_id, memoryview(octets)[_HEAD.size : messages_end])
    except struct.error as error:
        raise DamagedError(f"a snapshot of {len(octets)} octets: {error}") from None
    published: list[Published] = []
    for each in decode_operations(memoryview(octets)[messages_end:]):
        if not isinstance(each, Published):
            raise DamagedError(f"expected how far a front end is, got {each}")
        published.append(each)
    return Content(since, messages, published)
