"""Metrics beside those of Debian's RabbitMQ: names, types, labels and counters of messages."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml

from conformance.deviations import METRICS_PATH
from conformance.rabbitmq import SERVER, RabbitMQ
from tests.clients.support.deadlines import wait_until
from tests.clients.support.metrics_traffic import Traffic, scraped
from tests.clients.support.server import Server
from tests.support.ports import free_port
from tests.support.scrapes import Scraped, name_of

pytestmark = pytest.mark.clients

FAMILIES: Final = (
    "queue_coarse_metrics",
    "queue_metrics",
    "queue_consumer_count",
    "exchange_bindings",
    "exchange_names",
    "vhost_status",
    "connection_coarse_metrics",
    "connection_metrics",
    "connection_churn_metrics",
    "channel_metrics",
    "channel_exchange_metrics",
    "channel_queue_metrics",
    "channel_queue_exchange_metrics",
    "node_coarse_metrics",
    "node_metrics",
    "node_persister_metrics",
    "auth_attempt_metrics",
)
PATHS: Final = (
    "/metrics",
    "/metrics/per-object",
    *(f"/metrics/detailed?family={name}" for name in FAMILIES),
)
SETTLED: Final = "rabbitmq_global_messages_dead_lettered_confirmed_total"


def rows() -> list[tuple[re.Pattern[str], str]]:
    raw = yaml.safe_load(METRICS_PATH.read_text(encoding="utf-8"))
    return [(re.compile(row["difference"]), row["reason"]) for row in raw]


def differences(path: str, theirs: Scraped, ours: Scraped) -> Iterator[str]:
    """Yield what differs: names, types and labels, and of global counters their values."""
    where = path.removeprefix("/metrics") or "/"
    for name in sorted(theirs.types.keys() | ours.types.keys()):
        if name not in ours.types:
            yield f"{where} no {name}"
        elif name not in theirs.types:
            yield f"{where} more {name}"
        elif theirs.types[name] != ours.types[name]:
            yield f"{where} {name} is {ours.types[name]}, and not {theirs.types[name]}"
        else:
            expected = theirs.label_names.get(name, frozenset())
            found = ours.label_names.get(name, frozenset())
            if expected != found:
                yield f"{where} {name} has {sorted(found)}, and not {sorted(expected)}"
    for key in sorted(theirs.samples.keys() & ours.samples.keys()):
        if name_of(key).startswith("rabbitmq_global_") and path == "/metrics":
            expected_value, value = theirs.samples[key], ours.samples[key]
            if expected_value != value:
                yield f"{where} {key} is {value}, and not {expected_value}"


def test_every_row_has_a_reason() -> None:
    assert all(reason for _, reason in rows())


@pytest.mark.timeout(300)
@pytest.mark.skipif(not SERVER.exists(), reason="Debian's rabbitmq-server is not installed")
def test_metrics_are_those_of_rabbitmq(tmp_path: Path) -> None:
    metrics_port, rabbitmq_metrics_port = free_port(), free_port()
    settings = (
        f"management: {{listeners: [], metrics_listeners: [{{port: {metrics_port}}}]}}\n"
        "net: {listeners: [{port: %d}]}\n"
    )
    port = free_port()
    with RabbitMQ(
        free_port(), stream_port=free_port(), metrics_port=rabbitmq_metrics_port
    ) as rabbitmq:
        haremq = Server(tmp_path, port, settings % port, has_listeners=True)
        try:
            haremq.wait_until_it_accepts()
            found: dict[str, list[Scraped]] = {path: [] for path in PATHS}
            for amqp_port, asked in (
                (rabbitmq.port, rabbitmq_metrics_port),
                (haremq.port, metrics_port),
            ):
                traffic = Traffic(amqp_port)
                traffic.run()
                wait_until(lambda at=asked: sum(scraped(at).values(SETTLED)) == 2, SETTLED)  # type: ignore[misc]
                for path in PATHS:
                    found[path].append(scraped(asked, path))
                traffic.leave()
        finally:
            haremq.stop()
    known = rows()
    lines = [line for path, both in found.items() for line in differences(path, *both)]
    unexplained = [line for line in lines if not any(each.search(line) for each, _ in known)]
    assert not unexplained, "\n".join(unexplained)
    unused = [each.pattern for each, _ in known if not any(map(each.search, lines))]
    assert not unused, "rows that explain nothing:\n" + "\n".join(unused)
