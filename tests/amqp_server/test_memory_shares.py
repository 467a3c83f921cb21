"""What of the memory is for what: a share of the watermark, unless the settings name it."""

from dataclasses import replace

import pytest

from amqp_server import memory_shares
from amqp_server.broker.settings import BrokerSettings
from amqp_server.memory_shares import memory_rules, memory_watermark_bytes, node_limits
from amqp_server.settings.schema import Settings
from queues.settings import QueuesSettings

WATERMARK = 1 << 40


SECTION = BrokerSettings(memory_high_watermark_bytes=WATERMARK)


def test_ready_messages_have_their_share_of_the_watermark() -> None:
    rules = memory_rules(Settings(broker=SECTION))
    assert rules.node.limit_bytes == int(WATERMARK * 0.4)
    assert rules.queue_bytes == QueuesSettings().memory_per_queue_bytes


def test_what_the_settings_name_goes_before_a_share() -> None:
    queues = QueuesSettings(memory_bytes=5_000_000)
    assert memory_rules(Settings(queues=queues)).node.limit_bytes == 5_000_000
    section = replace(
        SECTION,
        assembling_bytes_max=1_000_000_001,
        tx_bytes_max=1_000_000_002,
        unacked_bytes_max=1_000_000_003,
        consumer_arguments_bytes_max=1_000_000_004,
    )
    limits = node_limits(Settings(broker=section))
    assert limits.assembling_bytes == 1_000_000_001
    assert limits.tx_bytes == 1_000_000_002
    assert limits.unacked_bytes == 1_000_000_003
    assert limits.arguments_bytes == 1_000_000_004


def test_clients_together_have_a_tenth_for_each_thing_and_three_for_deliveries() -> None:
    limits = node_limits(Settings(broker=SECTION))
    tenth = int(WATERMARK * 0.1)
    assert (limits.assembling_bytes, limits.tx_bytes, limits.arguments_bytes) == (tenth,) * 3
    assert limits.waiting_bytes == tenth
    assert limits.unacked_bytes == int(WATERMARK * 0.3)


def test_one_client_always_has_room_however_low_the_watermark_is() -> None:
    low = Settings(broker=BrokerSettings(memory_high_watermark_bytes=1_000))
    limits = node_limits(low)
    assert limits.assembling_bytes > low.protocol.max_message_size_bytes
    assert limits.tx_bytes > low.protocol.tx_bytes_max


@pytest.mark.parametrize(
    ("watermark_bytes", "ratio", "expected"), [(0, 0.25, 2_000), (300, 0.25, 300), (0, 0.0, 0)]
)
def test_the_watermark_is_a_number_or_a_ratio_of_all_memory(
    watermark_bytes: int, ratio: float, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_shares, "total_bytes", lambda: 8_000)
    section = BrokerSettings(
        memory_high_watermark_bytes=watermark_bytes, memory_high_watermark_ratio=ratio
    )
    assert memory_watermark_bytes(Settings(broker=section)) == expected


def test_without_a_watermark_shares_are_of_all_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_shares, "total_bytes", lambda: 1_000)
    unwatched = Settings(broker=BrokerSettings(memory_high_watermark_ratio=0.0))
    assert memory_rules(unwatched).node.limit_bytes == 400
