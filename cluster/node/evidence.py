"""Whether an answer of the store fits this disk, though answers overtake each other (R20).

An answer shows the store as it was at some moment between the question and now. So it is compared
with what this node knew when it asked, and not with what it has learned since.
"""

from typing import NamedTuple

from cluster.metadata.errors import RecordFormatError
from cluster.metadata.port import Item
from cluster.metadata.records import StoredMember, decode_member
from cluster.replication.identity import Identity
from cluster.replication.inputs import StoreSeen


class Asked(NamedTuple):
    """What this node knew when it asked: a revision, and the least stamp that the store had."""

    revision: int
    stamp: int


class Evidence:
    """What this node knows of its own record in the store.

    Attributes:
        member: the value of its ``member`` record, as it was seen last.
    """

    def __init__(self, identity: Identity, member: bytes) -> None:
        """Begin with what the start has put there."""
        self.member = member
        self._identity = identity

    def asked(self) -> Asked:
        """Return what is known now; ask the store after this."""
        disk = self._identity.disk
        return Asked(disk.seen_revision, disk.stamp - disk.raising)

    def seen(self, asked: Asked, revision: int, member: Item | None) -> StoreSeen:
        """Return the head of an answer, as the core takes it: it freezes where it does not fit.

        Args:
            asked: what was known before the question.
            revision: of the store, in the answer.
            member: the own ``member`` record in the answer.
        """
        found = _member_in(member)
        if found is None or member is None:
            return StoreSeen(revision, "", 0)
        disk = self._identity.disk
        fits = found.disk == disk.disk and asked.stamp <= found.stamp <= disk.stamp
        if not fits or revision < asked.revision:
            return StoreSeen(min(revision, asked.revision), found.disk, found.stamp)
        if found.stamp >= decode_member(self.member).stamp:
            self.member = member.value
        return StoreSeen(max(revision, disk.seen_revision), disk.disk, disk.stamp)


def _member_in(item: Item | None) -> StoredMember | None:
    if item is None:
        return None
    try:
        return decode_member(item.value)
    except RecordFormatError:
        return None
