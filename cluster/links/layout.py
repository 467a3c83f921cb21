"""The bodies of envelopes. All numbers are little-endian; u64 where nothing else is said.

    QUEUE     number u32 | name
    FENCE     queue u32 | epoch
    APPEND    queue u32 | epoch | after | after_epoch | lsn | commit | count u32 | size | octets
    TAIL      queue u32 | epoch | after | after_epoch | commit | count u32 | rows u32 | size
              | row, ... | octets
    SNAPSHOT  queue u32 | epoch | position | rows u32 | size | row, ... | octets
    PART      queue u32 | epoch | number | start | stop | index | index_epoch | size | octets
    COMMIT_NOTE  queue u32 | epoch | commit
    LET_GO    queue u32 | epoch
    PIECE     queue u32 | octets
    row       epoch | index of its first record

    ENDS      queue u32 | epoch | end | base | node_bytes u16 | disk_bytes u16 | rows u32
              | node | disk | row, ...
    GOT       queue u32 | epoch | end
    REFUSED   queue u32 | promised
    ACK       lsn
    WANT      queue u32 | epoch | number | position | index | index_epoch | 1 where anew, u8
    FOLLOW    queue u32 | epoch | 1 where it is on, u8
    SEEN      revision: this node has all definitions up to it
    CREDIT    queue u32, 0 for live runs | octets

A queue is a number on a connection. Each side numbers the queues that it speaks of, from 1 in
their order, and tells the name once with QUEUE. ``size`` are the octets of all records of the
frame. Those that have no place in its envelope follow in PIECEs; nothing else of this queue comes
in between. Names are UTF-8.
"""

from struct import Struct
from typing import Final

QUEUE: Final = Struct("<I")
FENCE: Final = Struct("<IQ")
APPEND: Final = Struct("<I5QIQ")
TAIL: Final = Struct("<I4QIIQ")
SNAPSHOT: Final = Struct("<IQQIQ")
PART: Final = Struct("<I7Q")
COMMIT_NOTE: Final = Struct("<IQQ")
LET_GO: Final = Struct("<IQ")
PIECE: Final = Struct("<I")
ROW: Final = Struct("<QQ")
ENDS: Final = Struct("<IQQQHHI")
GOT: Final = Struct("<IQQ")
REFUSED: Final = Struct("<IQ")
ACK: Final = Struct("<Q")
WANT: Final = Struct("<I5QB")
FOLLOW: Final = Struct("<IQB")
SEEN: Final = Struct("<Q")
CREDIT: Final = Struct("<IQ")

TABLE_ROWS_MAX: Final = 65_536
"""Epochs of one queue; each is a change of its leader that left a record."""

NAME_BYTES_MAX: Final = 1_024
"""Of a queue: a vhost and a name, of 255 octets each, and what parts them."""

QUEUES_MAX: Final = 1_000_000
NAMES_BYTES_MAX: Final = 128 * 1024 * 1024
"""Names that one side may tell on one connection: their number, and their octets together."""

REASON_BYTES_MAX: Final = 512
