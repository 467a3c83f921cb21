"""The lease, on the own clock."""

from cluster.replication.lease import Lease


def test_it_counts_from_when_it_was_asked_for_less_a_margin() -> None:
    lease = Lease(margin_ms=100)
    lease.grant(5, asked_at_ms=1_000, ttl_ms=500)
    assert lease.incarnation == 5
    assert lease.is_running(1_399)
    assert not lease.is_running(1_400)


def test_a_renewal_moves_its_end() -> None:
    lease = Lease(margin_ms=100)
    lease.grant(5, asked_at_ms=0, ttl_ms=500)
    lease.renew(asked_at_ms=300, ttl_ms=500)
    assert lease.is_running(699)
    assert lease.incarnation == 5


def test_a_node_without_a_key_has_no_lease() -> None:
    assert not Lease().is_running(0)
