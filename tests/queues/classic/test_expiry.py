"""When messages expire."""

import pytest

from persistence.record import NO_TTL
from queues.classic.expiry import expires_at, some_expire_at_once
from tests.support.records import record, run_of


@pytest.mark.parametrize(
    ("queue_ttl_ms", "message_ttls_ms", "expected"),
    [
        (None, [NO_TTL, NO_TTL], 0),
        (30, [NO_TTL, NO_TTL], 1_030),
        (0, [NO_TTL], 1_000),
        (None, [7, NO_TTL], [1_007, 0]),
        (30, [7, 60, NO_TTL], [1_007, 1_030, 1_030]),
        (None, [0], [1_000]),
    ],
)
def test_the_shorter_of_queue_and_message_ttl_counts(
    queue_ttl_ms: int | None, message_ttls_ms: list[int], expected: int | list[int]
) -> None:
    run = [record(b"", ttl_ms=ttl_ms) for ttl_ms in message_ttls_ms]
    assert expires_at(run, queue_ttl_ms, 1_000) == expected


def test_a_ttl_of_zero_anywhere_in_a_run_is_noticed() -> None:
    assert some_expire_at_once(expires_at(run_of(b"a"), 0, 9), 9)
    mixed = [record(b"a", ttl_ms=5), record(b"b", ttl_ms=0)]
    assert some_expire_at_once(expires_at(mixed, None, 9), 9)
    assert not some_expire_at_once(expires_at(mixed[:1], None, 9), 9)
    assert not some_expire_at_once(expires_at(run_of(b"a"), None, 9), 9)
