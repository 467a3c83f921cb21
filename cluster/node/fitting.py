"""Whether a disk may take part, and as which replica: decided once, at the start (R19, R21)."""

from dataclasses import dataclass, replace

from cluster.metadata.records import StoredMember
from cluster.node.ports import KeptIdentity
from cluster.placement.nodes import ACTIVE, LEAVING
from cluster.replication.identity import DiskIdentity, Fit, fit_at_start, identity_at_start
from cluster.replication.rules import Rules


class NodeFrozenError(Exception):
    """This node must not take part: its disk and the store do not belong together.

    The text says to an operator what was found, and what to do.
    """


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a start has to make true: first on the disk, then in the store.

    ``is_new_disk``: all replicas that are on the disk are of an earlier identity, or lost.
    """

    identity: DiskIdentity
    member: StoredMember
    is_new_disk: bool


@dataclass(frozen=True, slots=True)
class Start:
    """What a start has found.

    Attributes:
        node: its name.
        kept: what the disk says of itself; None: it is empty.
        lost_count: replicas on the disk that are not whole.
        member: the node's record in the store; None: there is none.
        revision: of the store, as it was read.
    """

    node: str
    kept: KeptIdentity | None
    lost_count: int
    member: StoredMember | None
    revision: int


def fitted(found: Start, rules: Rules, new_disk: str, zone: str) -> Fitted:
    """Return the identity to take part under.

    Args:
        found: on the disk and in the store.
        rules: of the protocol.
        new_disk: the name that this disk gets if it is another replica.
        zone: where the node stands.

    Raises:
        NodeFrozenError: it must not.
    """
    kept = found.kept
    own = kept.identity if kept is not None and kept.is_begun else None
    if found.member is None:
        if own is not None:
            raise NodeFrozenError(_unknown(found, own))
        identity = DiskIdentity(new_disk, 1, found.revision)
        return Fitted(identity, StoredMember(new_disk, 1, zone), is_new_disk=True)
    member = found.member.at(found.revision)
    if own is not None and fit_at_start(own, member, rules) is Fit.STORE_WENT_BACK:
        raise NodeFrozenError(_went_back(found, own, found.member))
    same = own is not None and fit_at_start(own, member, rules) is Fit.SAME
    if own is not None and same and not found.lost_count:
        # One above what the store has, also where the last raise did not get there.
        stamp = member.stamp + 1
        seen = max(own.seen_revision, found.revision)
        identity = DiskIdentity(own.disk, stamp, seen, raising=True)
        return Fitted(identity, _member_of(found.member, identity, zone), is_new_disk=False)
    identity, _ = identity_at_start(None if found.lost_count else own, member, rules, new_disk)
    identity = replace(identity, stamp=max(identity.stamp, member.stamp + 1))
    after = _member_of(found.member, identity, zone)
    if after.state == LEAVING:
        # It is another node of the same name, which comes instead of the one that leaves.
        after = replace(after, state=ACTIVE)
    return Fitted(identity, after, is_new_disk=True)


def _member_of(before: StoredMember, identity: DiskIdentity, zone: str) -> StoredMember:
    return StoredMember(identity.disk, identity.stamp, zone, before.state)


def _unknown(found: Start, own: DiskIdentity) -> str:
    return (
        f"node {found.node!r} does not take part: this disk ({own.disk}, stamp {own.stamp}) has run"
        " in the cluster, and the metadata store does not know the node. If it was taken out of the"
        " cluster, give it an empty data directory. If the store was lost or is another one, bring"
        " the right one back"
    )


def _went_back(found: Start, own: DiskIdentity, member: StoredMember) -> str:
    return (
        f"node {found.node!r} does not take part: the metadata store went back. This disk has stamp"
        f" {own.stamp} and has seen revision {own.seen_revision}; the store has stamp"
        f" {member.stamp}, at revision {found.revision}. If the node was taken out and another one"
        " has its name, give it an empty data directory and another name. Otherwise an old copy of"
        " the store was put back, or it is another store: bring the right one back, or stop all"
        " nodes before anything else, as each replica may be needed"
    )
