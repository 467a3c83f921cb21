"""What is in the envelopes of a front link. Numbers are little-endian; u64 where nothing is said.

    FRAMES        at most 64 frames: kind u8 | size u32 | frame
    PIECE, CREDIT as on the links of mirrors: ``cluster.links.layout``

    OPEN          queue u32 | epoch | opening
    CLOSE         queue u32
    PUBLISH       queue u32 | first | open_below | attempt | count u32 | records_bytes | records
    CONSUME       queue u32 | consumer | lane | credit | credit_bytes | priority i64 | flags u8
                  | tag_bytes u16 | tag | arguments: ``plain_values``
    CREDIT        queue u32 | consumer | total | total_bytes
    CANCEL        queue u32 | consumer
    SETTLE        queue u32 | settlement u8 | range, ...
    ASK           queue u32 | number | question u8
    range         first number | step | count

    OPENED        queue u32 | epoch | opening | published
    NOT_SERVING   queue u32 | epoch | opening
    CONFIRMED     queue u32 | number
    REFUSED       queue u32 | first | last
    GAP           queue u32 | number
    CONSUMING     queue u32 | consumer | begins
    BARRED        queue u32 | consumer
    DELIVER       queue u32 | consumers u32 | consumer, ... | batch
    GOT           queue u32 | number | ready_count | batch, or nothing
    PURGED        queue u32 | number | purged_count
    COUNTS        queue u32 | number | ready_count | consumer_count | unacked_count
    batch         flags u8 | delivery_count u32 | first number | count u32 | records_bytes
                  | records

Records have the layout of ``persistence.codec``. A frame of several records is whole in its
envelope. A frame of one record may end early: the rest of its octets follows in PIECEs, and nothing
else of this queue comes in between.
"""

from enum import IntEnum
from struct import Struct
from typing import Final

FRAMES: Final = 64
"""The kind of an envelope that holds frames."""

FRAMES_PER_OUTPUT: Final = 512
"""Frames that leave in one go; the loop looks at its time before the next ones."""

FRAMES_MAX: Final = 64
"""Frames in one envelope: a slice of a turn ends between envelopes."""


class FrameKind(IntEnum):
    """What a frame is."""

    OPEN = 1
    CLOSE = 2
    PUBLISH = 3
    CONSUME = 4
    CREDIT = 5
    CANCEL = 6
    SETTLE = 7
    ASK = 8
    OPENED = 32
    NOT_SERVING = 33
    CONFIRMED = 34
    REFUSED = 35
    GAP = 36
    CONSUMING = 37
    BARRED = 38
    DELIVER = 39
    GOT = 40
    PURGED = 41
    COUNTS = 42


FRAME: Final = Struct("<BI")
QUEUE: Final = Struct("<I")
QUEUE_AND_1: Final = Struct("<IQ")
QUEUE_AND_2: Final = Struct("<IQQ")
QUEUE_AND_3: Final = Struct("<I3Q")
QUEUE_AND_4: Final = Struct("<I4Q")
PUBLISH: Final = Struct("<IQQQIQ")
CONSUME: Final = Struct("<I4QqBH")
SETTLE: Final = Struct("<IB")
ASK: Final = Struct("<IQB")
RANGE: Final = Struct("<QQQ")
DELIVER: Final = Struct("<II")
CONSUMER: Final = Struct("<Q")
BATCH: Final = Struct("<BIQIQ")

NO_ACK: Final = 1
EXCLUSIVE: Final = 2
"""Flags of CONSUME."""

REDELIVERED: Final = 1
"""Flag of a batch."""

RANGES_MAX: Final = 1_024
"""Ranges in one SETTLE; more of them are told in several."""

TAG_BYTES_MAX: Final = 255
"""Of a consumer tag: a shortstr."""
