"""The alarms are switched by what is measured: free room on the disk, memory of the process."""

import pytest

from amqp_server.alarm_monitors import disk_monitor, memory_monitor
from amqp_server.app import build_broker
from amqp_server.broker.settings import BrokerSettings
from amqp_server.net.timers import now_ms
from amqp_server.settings.schema import Settings


@pytest.mark.parametrize(
    ("settings", "is_on"),
    [
        (BrokerSettings(memory_high_watermark_bytes=1), True),
        (BrokerSettings(memory_high_watermark_ratio=0.000_001), True),
        (BrokerSettings(memory_high_watermark_bytes=1 << 50), False),
        (BrokerSettings(memory_high_watermark_ratio=1.0), False),
    ],
)
def test_the_memory_alarm_is_on_above_the_watermark(
    settings: BrokerSettings, *, is_on: bool
) -> None:
    whole = Settings(broker=settings)
    broker = build_broker(whole)
    memory_monitor(broker, whole).on_deadline(now_ms())
    assert broker.alarms.is_on is is_on


def test_without_a_watermark_memory_is_not_watched() -> None:
    whole = Settings(broker=BrokerSettings(memory_high_watermark_ratio=0.0))
    assert memory_monitor(build_broker(whole), whole).next_deadline_ms() is None


@pytest.mark.parametrize(("free_bytes", "is_on"), [(999, True), (2_000, False)])
def test_the_disk_alarm_is_on_below_the_limit(free_bytes: int, *, is_on: bool) -> None:
    whole = Settings(broker=BrokerSettings(disk_free_limit_bytes=1_000))
    broker = build_broker(whole)
    disk_monitor(broker, whole, lambda: free_bytes).on_deadline(now_ms())
    assert broker.alarms.is_on is is_on
    assert (broker.alarms.reason == "low on disk") is is_on
