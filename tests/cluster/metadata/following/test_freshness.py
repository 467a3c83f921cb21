from cluster.metadata.following.freshness import Freshness


def test_a_copy_is_connected_until_it_says_since_when_it_is_not() -> None:
    assert Freshness(revision=7, heard_at_ms=3, away_since_ms=None).is_connected
    assert not Freshness(7, 3, 0, "the store is away").is_connected
