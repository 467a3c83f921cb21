"""What is derived from a secret tells secrets and clusters apart, and does not show the secret."""

from cluster.node.secret_check import secret_check_of


def test_each_secret_and_each_cluster_has_its_own() -> None:
    checks = {
        secret_check_of(secret, cluster) for secret in (b"one", b"two") for cluster in ("a", "b")
    }
    assert len(checks) == 4
    assert all(len(check) == 64 and b"one" not in check for check in checks)


def test_the_same_secret_has_the_same_after_a_restart() -> None:
    assert secret_check_of(b"one", "a") == secret_check_of(b"one", "a")


def test_without_a_secret_there_is_nothing_to_compare() -> None:
    assert secret_check_of(b"", "a") == b""
