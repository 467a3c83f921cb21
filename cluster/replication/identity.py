"""Which disk this is, and whether disk and metadata store still belong together (R19 to R21)."""

from dataclasses import dataclass, replace
from enum import Enum

from cluster.replication.rules import Rules


@dataclass(frozen=True, slots=True)
class DiskIdentity:
    """What a node's disk says of itself.

    ``stamp`` is raised every few seconds, on disk first: while ``raising``, the store may have
    the number before. ``seen_revision`` is the highest store revision that this disk has seen.
    """

    disk: str
    stamp: int
    seen_revision: int = 0
    raising: bool = False


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """The ``member`` record of a node in the store; the store's revision when it was read."""

    disk: str
    stamp: int
    revision: int


class Fit(Enum):
    """How the disk that a node starts on fits what the store knows."""

    SAME = "same"
    NEW_REPLICA = "new replica"
    STORE_WENT_BACK = "store went back"


def is_known(own: DiskIdentity, member: MemberRecord) -> bool:
    """Return whether disk and stamp are those of the store; one ahead while it is being raised."""
    stamps = (own.stamp, own.stamp - 1) if own.raising else (own.stamp,)
    return own.disk == member.disk and member.stamp in stamps


def fit_at_start(own: DiskIdentity | None, member: MemberRecord, rules: Rules) -> Fit:
    """Compare before taking part in anything (R19); ``own`` is None where the disk is empty."""
    if own is None:
        return Fit.SAME if rules.is_same_disk(same=False) else Fit.NEW_REPLICA
    same = is_known(own, member)
    if same and member.revision >= own.seen_revision:
        return Fit.SAME
    newer = own.stamp > member.stamp or member.revision < own.seen_revision
    if newer and not rules.trusts_store(
        same=False, revision=member.revision, seen=own.seen_revision
    ):
        return Fit.STORE_WENT_BACK
    return Fit.SAME if rules.is_same_disk(same=False) else Fit.NEW_REPLICA


def identity_at_start(
    own: DiskIdentity | None, member: MemberRecord, rules: Rules, new_disk: str
) -> tuple[DiskIdentity, Fit]:
    """Return the identity to take part under, to be written to the disk before ``live`` is put.

    ``new_disk`` is the name that this disk gets if it is a new replica. Where the store went
    back, the node takes no part (R21), and its identity stays.
    """
    fit = fit_at_start(own, member, rules)
    seen = own.seen_revision if own else 0
    stamp = max(member.stamp, own.stamp + 1 if own else 0, member.stamp + 1 if own else 0)
    if fit is Fit.NEW_REPLICA:
        return DiskIdentity(new_disk, stamp, max(seen, member.revision)), fit
    if own is None:
        return DiskIdentity(member.disk, stamp, member.revision), fit
    return replace(own, stamp=stamp, raising=False), fit


@dataclass(slots=True)
class Identity:
    """The identity of a running node; ``frozen`` once the store is not believed any more."""

    disk: DiskIdentity
    frozen: bool = False

    def see(self, member: MemberRecord, rules: Rules) -> None:
        """Look at the head of an answer; freeze where the store does not fit this disk (R20)."""
        same = is_known(self.disk, member)
        if not rules.trusts_store(
            same=same, revision=member.revision, seen=self.disk.seen_revision
        ):
            self.frozen = True
            return
        seen = max(self.disk.seen_revision, member.revision)
        self.disk = replace(self.disk, seen_revision=seen)

    def raise_stamp(self, stamp: int, rules: Rules, *, stored: bool) -> None:
        """Note a higher stamp: on disk, and once ``stored`` in the store too."""
        if rules.raises_stamp():
            self.disk = replace(self.disk, stamp=stamp, raising=not stored)
