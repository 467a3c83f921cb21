from cluster.metadata.leases import Leases


def test_ids_only_grow() -> None:
    leases = Leases()
    first = leases.grant(10, 0)
    leases.end(first)
    assert leases.grant(10, 0) == first + 1
    leases.attach(b"a", 9)
    assert leases.grant(10, 0) == 10


def test_a_lease_ends_after_its_ttl_unless_it_is_renewed() -> None:
    leases = Leases()
    one, two = leases.grant(10, 0), leases.grant(5, 0)
    assert leases.next_end_ms() == 5
    assert leases.ended(4) == []
    assert leases.ended(10) == [two, one]
    assert leases.keep_alive(one, 8) == 10
    assert leases.rest_ms(one, 10) == 8
    assert leases.ended(10) == [two]
    leases.end(two)
    assert two not in leases
    assert list(leases) == [one]
    assert leases.keep_alive(two, 8) is None
    assert leases.rest_ms(two, 8) is None


def test_a_key_hangs_on_one_lease() -> None:
    leases = Leases()
    one, two = leases.grant(10, 0), leases.grant(10, 0)
    leases.attach(b"b", one)
    leases.attach(b"a", one)
    assert leases.keys_of(one) == [b"a", b"b"]
    leases.attach(b"a", two)
    leases.attach(b"b", 0)
    assert leases.keys_of(one) == []
    assert leases.keys_of(two) == [b"a"]
    assert Leases().keys_of(7) == []
    assert Leases().next_end_ms() is None
