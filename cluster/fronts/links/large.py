"""A message that comes in pieces: its body grows where it will stay.

Its first octets are head, route and header, which say how long the body is. Then the body follows,
and zeros up to a multiple of 8. Memory is taken for octets that came, whatever was announced.
"""

from typing import Final

from cluster.links.errors import LinkError
from persistence.codec import ALIGNMENT_BYTES, HEAD, HEAD_BYTES, decode_run
from persistence.errors import DamagedError
from persistence.record import OpenRecord, Run

LARGE_MAX: Final = 2
"""Messages in pieces that are open at a time on one connection, in one direction."""

_NO_BODY: Final = 0


class LargeMessage:
    """One of them, while it comes."""

    def __init__(self, records_bytes: int) -> None:
        """Nothing has come of so many octets."""
        self._missing_bytes = records_bytes
        self._first = bytearray()
        self._open: OpenRecord | None = None
        self._body_missing_bytes = 0

    @property
    def missing_bytes(self) -> int:
        """Octets that are still to come."""
        return self._missing_bytes

    def add(self, octets: memoryview) -> None:
        """Take the next ones.

        Raises:
            LinkError: they are no record, or more than announced.
        """
        if len(octets) > self._missing_bytes:
            raise LinkError("more octets of records than announced")
        self._missing_bytes -= len(octets)
        if self._open is None:
            self._first += octets
            octets = self._begin()
        if self._open is None:
            return
        in_body = min(self._body_missing_bytes, len(octets))
        self._body_missing_bytes -= in_body
        self._open.add(octets[:in_body])
        if any(octets[in_body:]):
            raise LinkError("a record whose padding is not zero")

    def finish(self) -> Run:
        """Return it as a run of one, once nothing is missing.

        Raises:
            LinkError: it is no record.
        """
        if self._open is None:
            raise LinkError("a record that ends within its head")
        return self._open.finish()

    def _begin(self) -> memoryview:
        """Begin the body, if its head is here; return what is here of the body."""
        nothing = memoryview(b"")
        if len(self._first) < HEAD_BYTES:
            return nothing
        ttl_ms, body, header, route, flags, priority, *zeros = HEAD.unpack_from(self._first)
        body_at = HEAD_BYTES + route + header
        total = body_at + body
        if total + -total % ALIGNMENT_BYTES != len(self._first) + self._missing_bytes:
            raise LinkError(f"a record of {total} octets, which is not what was announced")
        if len(self._first) < body_at:
            return nothing
        fields = (ttl_ms, _NO_BODY, header, route, flags, priority, *zeros)
        head = HEAD.pack(*fields) + self._first[HEAD_BYTES:body_at]
        try:
            # The one who knows what a record is looks at all of it but its body.
            [record] = decode_run(head + bytes(-len(head) % ALIGNMENT_BYTES), 1)
        except DamagedError as error:
            raise LinkError(str(error)) from None
        self._open = OpenRecord(record, body)
        self._body_missing_bytes = body
        rest, self._first = memoryview(self._first)[body_at:], bytearray()
        return rest
