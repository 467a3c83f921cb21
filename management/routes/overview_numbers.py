"""The numbers of the overview, for one who monitors and for one who sees some vhosts only."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from management.bodies.stats import with_details
from management.call import Call
from management.lists.ranges import Ranges
from management.node import pages
from management.samples import series
from management.samples.details import Numbers

_NO_DISK: Final = {
    name: value
    for each in ("disk_reads", "disk_writes")
    for name, value in ((each, 0), (f"{each}_details", {"rate": 0.0}))
}
"""RabbitMQ counts messages that its storage reads and writes."""


class Sum:
    """The sum of the numbers of several things, over time."""

    def __init__(self, parts: Sequence[Numbers]) -> None:
        self._parts = parts

    def at(self, index: int, then_ms: int) -> int:
        """Return a number as it was at a time."""
        return sum([part.at(index, then_ms) for part in self._parts])

    def growth(self, from_ms: int, to_ms: int) -> Sequence[int] | None:
        """Return by how much each number grew between two times; None where none has changed."""
        grown = [part.growth(from_ms, to_ms) for part in self._parts]
        changed = [each for each in grown if each is not None]
        return [sum(numbers) for numbers in zip(*changed, strict=True)] if changed else None


def numbers_of(call: Call) -> Numbers:
    """Return the numbers of the node, or of the vhosts that the user may enter."""
    sampler = call.services.sampler
    if call.account.is_monitor:
        return sampler.totals
    mine = [sampler.vhosts.get(name) for name in call.enterable_vhosts()]
    return Sum([each for each in mine if each is not None])


def message_numbers(call: Call, ranges: Ranges) -> dict[str, Any]:
    """Return ``message_stats`` and ``queue_totals``."""
    looks, numbers = call.services.sampler.looks, numbers_of(call)
    stats = with_details(numbers, series.TOTALS_STATS, looks, ranges.msg_rates)
    lengths = with_details(numbers, series.TOTALS_LENGTHS, looks, ranges.lengths)
    return {"message_stats": {**stats, **_NO_DISK}, "queue_totals": lengths}


def churn(call: Call, ranges: Ranges) -> dict[str, Any]:
    """Return how many connections, channels and queues came and went."""
    sampler = call.services.sampler
    now = series.of_node(call.node.views.node())
    shown = {name: series.NODE_SERIES[name] for name in series.CHURN}
    return with_details(sampler.node_itself, shown, sampler.looks, ranges.msg_rates, now)


async def object_totals(call: Call) -> Mapping[str, int]:
    """Return how many objects there are, of those that the user sees."""
    view = call.node.views.node()
    is_monitor = call.account.is_monitor
    names = call.node.vhost_names() if is_monitor else call.enterable_vhosts()
    vhosts = [each for each in map(call.node.views.vhost, names) if each is not None]
    totals = {
        "channels": view.channel_count,
        "connections": view.connection_count,
        "consumers": view.consumer_count,
        "exchanges": sum([each.exchange_count for each in vhosts]),
        "queues": sum([each.queue_count for each in vhosts]),
    }
    if not is_monitor:
        connections, channels = await _own(call)
        totals |= {"connections": connections, "channels": channels}
        totals["consumers"] = await _consumers(call, set(names))
    return totals


async def _own(call: Call) -> tuple[int, int]:
    """Return how many connections the user has, and how many channels are on them."""
    connections = channels = 0
    for page in pages(call.node.views.connections):
        for view in page:
            if view.username == call.account.name:
                connections += 1
                channels += view.channels_open
        if call.node.slices.is_spent():
            await call.node.slices.pause()
    return connections, channels


async def _consumers(call: Call, vhosts: set[str]) -> int:
    count = 0
    for page in pages(call.node.views.consumers):
        count += sum([view.vhost in vhosts for view in page])
        if call.node.slices.is_spent():
            await call.node.slices.pause()
    return count
