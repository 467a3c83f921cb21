"""Runs checks against a broker, several at a time, each with its own connections and names."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from conformance.address import Address
from conformance.check import Check, Dialect
from conformance.client import Connection
from conformance.peer import Peer

THREAD_COUNT = 8

RABBITMQ_TRIES = 3
"""RabbitMQ answers some requests before they have had their effect: a stream has no replica yet, a
binding is not followed yet. So a check that failed there is run again, by itself. On a broker of
ours each check is run once."""


class Outcome(NamedTuple):
    """The result of a check: ``ok``, ``failed`` or ``skipped``, and the answer that was seen."""

    check_id: str
    status: str
    seen: str
    duration_s: float


def dialect_of(address: Address) -> Dialect:
    """Ask a broker which dialect it must speak.

    HareMQ announces RabbitMQ's name and version, because clients branch on them. It gives its own
    in ``haremq_version`` or ``platform``.
    """
    with Connection(address) as connection:
        connection.send_header_and_start_ok()
        assert connection.start is not None, "connection.start has been awaited"
        announced = {
            str(key): str(value) for key, value in connection.start.server_properties.items()
        }
    if any("haremq" in f"{key}={value}".lower() for key, value in announced.items()):
        return Dialect.HAREMQ
    if announced.get("version", "").startswith("3.10."):
        return Dialect.RABBITMQ_310
    return Dialect.RABBITMQ_313


def run(
    checks: Sequence[Check], address: Address, dialect: Dialect, has: frozenset[str] = frozenset()
) -> dict[str, Outcome]:
    """Run checks against one broker.

    Args:
        checks: the checks to run.
        address: the broker.
        dialect: decides which answers are right.
        has: the set-up of the broker; checks that need more are skipped.

    Returns:
        The outcomes by check id, in the order of the checks.
    """
    with ThreadPoolExecutor(THREAD_COUNT) as pool:
        outcomes = pool.map(lambda check: run_one(check, address, dialect, has), checks)
        found = {outcome.check_id: outcome for outcome in outcomes}
    if dialect is not Dialect.HAREMQ:
        for _ in range(RABBITMQ_TRIES - 1):
            for check in checks:
                if found[check.check_id].status == "failed":
                    found[check.check_id] = run_one(check, address, dialect, has)
    return found


def run_one(
    check: Check, address: Address, dialect: Dialect, has: frozenset[str] = frozenset()
) -> Outcome:
    """Run one check, then remove everything that it made."""
    if check.needs and check.needs not in has:
        return Outcome(check.check_id, "skipped", f"needs {check.needs}", 0.0)
    started_s = time.monotonic()
    peer = Peer(address, check.expected_of(dialect), is_haremq=dialect is Dialect.HAREMQ)
    status, seen = "ok", ""
    try:
        check.function(peer)
    # Any error is a failure of this check, and must not end the run.
    except Exception as error:  # noqa: BLE001
        status, seen = "failed", f"{_kind_of(error)}{error}"
    try:
        peer.clear()
    except Exception as error:  # noqa: BLE001
        status, seen = "failed", f"{seen}; clearing away: {error!r}".lstrip("; ")
    return Outcome(check.check_id, status, seen, time.monotonic() - started_s)


def _kind_of(error: Exception) -> str:
    return "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
