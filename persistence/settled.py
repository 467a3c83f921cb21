"""A set of positions of one queue that grows from below, mostly the settled ones.

    floor                 every position below it is in the set
    bucket i              positions i * 16384 to (i + 1) * 16384 - 1: one octet each, 1 is a member

A queue that is consumed in order has a floor and no bucket. An unsettled message holds the floor
back, and each bucket that fills up behind it becomes a reference to one shared full bucket. A range
of any step is one slice assignment per bucket, so only C code runs per position.

    encoded | floor u64 | rows u32 | row ...            little-endian
    row     | first bucket u64 | buckets u32 | octets u32 | zlib of one, where octets is not 0 |

A row without octets stands for that many consecutive full buckets. A row with octets is one bucket.
"""

import struct
import zlib
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from persistence.errors import DamagedError

BUCKET_POSITIONS: Final = 16_384
BUCKETS_MAX: Final = 1 << 20
"""A set that was stored has no more buckets than this: 17 billion positions above its floor."""

_FULL: Final = bytes((1,)) * BUCKET_POSITIONS
_HEADER: Final = struct.Struct("<QI")
_ROW: Final = struct.Struct("<QII")
_COMPRESSION_LEVEL: Final = 1
_BOTH_OCTETS: Final = b"\x00\x01"


class PositionSet:
    """A set of positions; all below ``floor`` are members.

    Attributes:
        floor: the least position that is not a member.

    Invariant: no bucket lies wholly below the floor; the position ``floor`` is not a member.
    Invariant: ``_counts[i]`` members are in bucket i, where that bucket is a bytearray.
    """

    __slots__ = ("_buckets", "_counts", "floor")

    def __init__(self, floor: int = 0) -> None:
        """Make the set of all positions below ``floor``."""
        self.floor = floor
        self._buckets: dict[int, bytes | bytearray] = {}
        self._counts: dict[int, int] = {}

    def __contains__(self, position: int) -> bool:
        if position < self.floor:
            return True
        index, inside = divmod(position, BUCKET_POSITIONS)
        bucket = self._buckets.get(index)
        return bucket is not None and bucket[inside] == 1

    def add(self, positions: range) -> int:
        """Add positions of any step > 0; return how many were not members before."""
        first, stop, step = positions.start, positions.stop, positions.step
        floor = self.floor
        if step == 1 and first <= floor and not self._buckets:
            if stop <= floor:
                return 0
            self.floor = stop
            return stop - floor
        if not positions:
            return 0
        assert step > 0, "positions of a queue ascend"
        stop = positions[-1] + 1
        if step == 1 and first <= floor:
            return self._raise_floor_to(stop)
        if first < floor:
            first += -(-(floor - first) // step) * step
        added = self._mark(first, stop, step)
        self._absorb()
        return added

    def count_missing(self, first: int, stop: int) -> int:
        """Return how many positions from ``first`` up to and without ``stop`` are no members."""
        first = max(first, self.floor)
        if first >= stop:
            return 0
        if not self._buckets:
            return stop - first
        first_bucket, last_bucket = first // BUCKET_POSITIONS, (stop - 1) // BUCKET_POSITIONS
        if last_bucket - first_bucket < len(self._buckets):
            indexes = [i for i in range(first_bucket, last_bucket + 1) if i in self._buckets]
        else:
            indexes = [i for i in self._buckets if first_bucket <= i <= last_bucket]
        members = 0
        for index in indexes:
            start = index * BUCKET_POSITIONS
            members += self._buckets[index].count(
                1, max(first - start, 0), min(stop - start, BUCKET_POSITIONS)
            )
        return stop - first - members

    def missing(self, first: int, stop: int) -> list[range]:
        """Return the positions from ``first`` up to ``stop`` that are no members, as ranges."""
        first = max(first, self.floor)
        if not self._buckets:
            return [range(first, stop)] if first < stop else []
        found: list[range] = []
        while first < stop:
            first = self._next(first, stop, member=False)
            if first >= stop:
                break
            end = self._next(first, stop, member=True)
            found.append(range(first, end))
            first = end
        return found

    def indexes_outside(self, positions: Sequence[int]) -> Sequence[int]:
        """Return the indexes of those positions that are no members; they must ascend."""
        if not self._buckets:
            return range(bisect_left(positions, self.floor), len(positions))
        return [index for index, position in enumerate(positions) if position not in self]

    def copy(self) -> "PositionSet":
        """Return a set that does not change with this one."""
        copied = PositionSet(self.floor)
        copied._counts = dict(self._counts)
        copied._buckets = {
            index: bucket if bucket is _FULL else bucket[:]
            for index, bucket in self._buckets.items()
        }
        return copied

    def encode(self) -> bytes:
        """Return the set as octets; see the drawing above."""
        rows: list[bytes] = []
        full_first = full_count = 0
        for index in sorted(self._buckets):
            bucket = self._buckets[index]
            if bucket is _FULL and full_count and index == full_first + full_count:
                full_count += 1
                continue
            if full_count:
                rows.append(_ROW.pack(full_first, full_count, 0))
                full_count = 0
            if bucket is _FULL:
                full_first, full_count = index, 1
                continue
            packed = zlib.compress(bucket, _COMPRESSION_LEVEL)
            rows.append(_ROW.pack(index, 1, len(packed)) + packed)
        if full_count:
            rows.append(_ROW.pack(full_first, full_count, 0))
        return _HEADER.pack(self.floor, len(rows)) + b"".join(rows)

    @classmethod
    def decode(cls, encoded: bytes) -> "PositionSet":
        """Return the set that ``encode`` made octets of.

        Raises:
            DamagedError: the octets are not a result of ``encode``.
        """
        try:
            floor, row_count = _HEADER.unpack_from(encoded)
            decoded = cls(floor)
            at = _HEADER.size
            for _ in range(row_count):
                index, bucket_count, octets = _ROW.unpack_from(encoded, at)
                at += _ROW.size
                if octets:
                    decoded._decode_bucket(index, encoded[at : at + octets])
                elif len(decoded._buckets) + bucket_count > BUCKETS_MAX:
                    raise DamagedError(f"a set of positions has over {BUCKETS_MAX} buckets")
                else:
                    decoded._buckets.update(
                        dict.fromkeys(range(index, index + bucket_count), _FULL)
                    )
                at += octets
        except (struct.error, zlib.error) as error:
            raise DamagedError(f"a set of positions cannot be decoded: {error}") from error
        if at != len(encoded):
            raise DamagedError(f"a set of positions has {len(encoded)} octets, {at} are used")
        return decoded

    def check_invariants(self) -> None:
        """Assert the invariants; costs a walk over every bucket."""
        assert self.floor not in self, "the floor is as high as it can be"
        for index, bucket in self._buckets.items():
            assert (index + 1) * BUCKET_POSITIONS > self.floor, "what lies below the floor is gone"
            if bucket is not _FULL:
                assert bucket.count(1) == self._counts[index] < BUCKET_POSITIONS, (
                    "a full bucket is none"
                )
        assert len(self._counts) == sum(bucket is not _FULL for bucket in self._buckets.values())

    def _decode_bucket(self, index: int, packed: bytes) -> None:
        unpacking = zlib.decompressobj()
        bucket = bytearray(unpacking.decompress(packed, BUCKET_POSITIONS + 1))
        if len(bucket) != BUCKET_POSITIONS or bucket.translate(None, _BOTH_OCTETS):
            raise DamagedError(f"bucket {index} of a set of positions is none")
        self._buckets[index] = bucket
        self._counts[index] = bucket.count(1)

    def _mark(self, first: int, stop: int, step: int) -> int:
        """Add positions from ``first``, not below the floor, bucket by bucket."""
        added = 0
        while first < stop:
            index, inside = divmod(first, BUCKET_POSITIONS)
            end = min(stop - index * BUCKET_POSITIONS, BUCKET_POSITIONS)
            count = (end - inside + step - 1) // step
            first += count * step
            bucket = self._buckets.get(index)
            if bucket is _FULL:
                continue
            if bucket is None:
                bucket = self._new_bucket(index)
            assert isinstance(bucket, bytearray), "only the shared bucket is full"
            if count == BUCKET_POSITIONS:
                new = count - self._counts[index]
            elif step == 1:
                new = count - bucket.count(1, inside, end)
            else:
                new = count - bucket[inside:end:step].count(1)
            if not new:
                continue
            added += new
            self._counts[index] += new
            if self._counts[index] == BUCKET_POSITIONS:
                self._buckets[index] = _FULL
                del self._counts[index]
            else:
                bucket[inside:end:step] = _FULL[:count]
        return added

    def _new_bucket(self, index: int) -> bytearray:
        """Start a bucket; where the floor lies in it, what is below is a member of it too."""
        bucket = bytearray(BUCKET_POSITIONS)
        below = max(self.floor - index * BUCKET_POSITIONS, 0)
        bucket[:below] = _FULL[:below]
        self._buckets[index] = bucket
        self._counts[index] = below
        return bucket

    def _raise_floor_to(self, stop: int) -> int:
        """Add all positions below ``stop``; return how many were new."""
        added = self.count_missing(self.floor, stop)
        if added:
            self.floor = stop
            for index in [i for i in self._buckets if (i + 1) * BUCKET_POSITIONS <= stop]:
                del self._buckets[index]
                self._counts.pop(index, None)
            index, inside = divmod(stop, BUCKET_POSITIONS)
            bucket = self._buckets.get(index)
            if isinstance(bucket, bytearray):
                bucket[:inside] = _FULL[:inside]
                self._counts[index] = bucket.count(1)
            self._absorb()
        return added

    def _absorb(self) -> None:
        """Raise the floor over the members that stand on it."""
        while (bucket := self._buckets.get(self.floor // BUCKET_POSITIONS)) is not None:
            index, inside = divmod(self.floor, BUCKET_POSITIONS)
            found = bucket.find(0, inside)
            if found >= 0:
                self.floor = index * BUCKET_POSITIONS + found
                return
            self.floor = (index + 1) * BUCKET_POSITIONS
            del self._buckets[index]
            self._counts.pop(index, None)

    def _next(self, position: int, stop: int, *, member: bool) -> int:
        """Return the first position, up to ``stop``, that is a member; or that is none."""
        while position < stop:
            index, inside = divmod(position, BUCKET_POSITIONS)
            bucket = self._buckets.get(index)
            found = (
                bucket.find(1 if member else 0, inside)
                if bucket is not None
                else (-1 if member else inside)
            )
            if found >= 0:
                return min(index * BUCKET_POSITIONS + found, stop)
            position = (index + 1) * BUCKET_POSITIONS
        return stop
