"""Disk and store belong together, or the node takes no part."""

import pytest

from cluster.replication.identity import (
    DiskIdentity,
    Fit,
    Identity,
    MemberRecord,
    fit_at_start,
    identity_at_start,
)
from cluster.replication.rules import Rules

RULES = Rules()
MEMBER = MemberRecord("d", 5, 100)


@pytest.mark.parametrize(
    ("own", "fit"),
    [
        (DiskIdentity("d", 5, 90), Fit.SAME),
        (DiskIdentity("d", 6, 90, raising=True), Fit.SAME),
        (DiskIdentity("d", 6, 90), Fit.STORE_WENT_BACK),
        (DiskIdentity("d", 5, 101), Fit.STORE_WENT_BACK),
        (DiskIdentity("d", 4, 90), Fit.NEW_REPLICA),
        (DiskIdentity("x", 5, 90), Fit.NEW_REPLICA),
        (None, Fit.NEW_REPLICA),
    ],
)
def test_a_start_compares_disk_and_store(own: DiskIdentity | None, fit: Fit) -> None:
    assert fit_at_start(own, MEMBER, RULES) is fit


def test_a_start_raises_the_stamp() -> None:
    identity, _ = identity_at_start(DiskIdentity("d", 5, 90), MEMBER, RULES, "new")
    assert (identity.disk, identity.stamp) == ("d", 6)


def test_an_unknown_disk_gets_a_new_name() -> None:
    identity, fit = identity_at_start(None, MEMBER, RULES, "new")
    assert (identity.disk, fit) == ("new", Fit.NEW_REPLICA)
    old, _ = identity_at_start(DiskIdentity("d", 4, 90), MEMBER, RULES, "new")
    assert old.disk == "new"
    assert old.stamp > MEMBER.stamp


@pytest.mark.parametrize(
    "seen", [MemberRecord("d", 6, 100), MemberRecord("e", 5, 100), MemberRecord("d", 5, 89)]
)
def test_a_store_that_does_not_fit_freezes_the_node(seen: MemberRecord) -> None:
    identity = Identity(DiskIdentity("d", 5, 90))
    identity.see(seen, RULES)
    assert identity.frozen


def test_the_revision_that_was_seen_is_kept() -> None:
    identity = Identity(DiskIdentity("d", 5, 90))
    identity.see(MEMBER, RULES)
    assert (identity.frozen, identity.disk.seen_revision) == (False, 100)


def test_a_stamp_may_be_one_ahead_while_it_is_raised() -> None:
    identity = Identity(DiskIdentity("d", 5, 90))
    identity.raise_stamp(6, RULES, stored=False)
    identity.see(MEMBER, RULES)
    assert not identity.frozen
    identity.raise_stamp(6, RULES, stored=True)
    identity.see(MEMBER, RULES)
    assert identity.frozen
