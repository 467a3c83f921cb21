"""What of a node's memory is for what: shares of the watermark, where the settings say nothing."""

from typing import Final

from amqp_server.broker.node_budget import NodeLimits
from amqp_server.net.memory_monitor import total_bytes
from amqp_server.settings.schema import Settings
from queues.memory import MemoryRules
from queues.tail import NodeMemory

READY_SHARE_OF_WATERMARK: Final = 0.4
"""The share of the memory watermark above which queues spill ready messages earlier."""

UNACKED_SHARE_OF_WATERMARK: Final = 0.3
"""The share of it that unsettled deliveries may take before the broker delivers less."""

HELD_SHARE_OF_WATERMARK: Final = 0.1
"""The share of it for messages half received, for open transactions, and for what waits."""


def memory_rules(settings: Settings) -> MemoryRules:
    """Return how much of the messages of queues stays in memory."""
    watermark_bytes = _memory_bytes_shared(settings)
    limit_bytes = settings.queues.memory_bytes or int(watermark_bytes * READY_SHARE_OF_WATERMARK)
    return MemoryRules(NodeMemory(limit_bytes), settings.queues.memory_per_queue_bytes)


def node_limits(settings: Settings) -> NodeLimits:
    """Return what all clients together may hold."""
    section, protocol = settings.broker, settings.protocol
    share_bytes = int(_memory_bytes_shared(settings) * HELD_SHARE_OF_WATERMARK)

    def unless_set(limit_bytes: int, for_one_bytes: int) -> int:
        return limit_bytes or max(share_bytes, for_one_bytes * 5 // 4)

    return NodeLimits(
        assembling_bytes=unless_set(section.assembling_bytes_max, protocol.max_message_size_bytes),
        tx_bytes=unless_set(section.tx_bytes_max, protocol.tx_bytes_max),
        unacked_bytes=section.unacked_bytes_max
        or int(_memory_bytes_shared(settings) * UNACKED_SHARE_OF_WATERMARK),
        arguments_bytes=unless_set(section.consumer_arguments_bytes_max, 0),
        waiting_bytes=share_bytes,
    )


def _memory_bytes_shared(settings: Settings) -> int:
    """Return the memory of which some limits are a share (bytes)."""
    return memory_watermark_bytes(settings) or total_bytes()


def memory_watermark_bytes(settings: Settings) -> int:
    """Return above how much memory of the process the memory alarm is on."""
    section = settings.broker
    return section.memory_high_watermark_bytes or int(
        total_bytes() * section.memory_high_watermark_ratio
    )
