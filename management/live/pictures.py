"""What is shown of each feed: numbers as they are, and the rates between two looks."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from amqp_server.broker.admin import NotFoundError
from amqp_server.broker.views import FlowView, QueueCounts
from management.access.account import Account
from management.attention.board import Board
from management.live.changes import Picture
from management.live.feeds import ALARMS, ATTENTION, NODE, OVERVIEW, Feed
from management.node import Node
from management.peer_rows import PeerRows
from management.samples import series
from management.samples.sampler import Sampler
from management.samples.series import CHANNEL_STATS, NODE_SERIES, QUEUE_STATS, TRAFFIC, Series

CONCERNS_MAX: Final = 100

_TOTALS_STATS: Final[Series] = {
    **CHANNEL_STATS,
    **{name: (series.CHANNEL_WIDTH + place,) for name, (place,) in TRAFFIC.items()},
}


class Pictures:
    """Makes the pictures of feeds.

    Args:
        node: that is looked at.
        sampler: has what takes long to count.
        board: has what needs a hand.
        told: what other nodes have told of queues that they lead.
    """

    def __init__(self, node: Node, sampler: Sampler, board: Board, told: PeerRows) -> None:
        self._node = node
        self._sampler = sampler
        self._board = board
        self._told = told

    async def of(self, feed: Feed, account: Account) -> tuple[Picture, Sequence[int]] | None:
        """Return the picture of a feed, and its counters in an order of their own.

        None where it is gone, or the user may not see it.
        """
        if feed.kind == OVERVIEW:
            return await self._overview(account)
        if feed.kind == NODE:
            return self._node_picture()
        if feed.kind == ALARMS:
            return {"alarm": self._node.views.node().alarm}, ()
        if feed.kind == ATTENTION:
            return await self._attention(account)
        if not self._node.may_enter(account.name, feed.vhost):
            return None
        view = self._node.views.queue(feed.vhost, feed.name)
        if view is None:
            return None
        row = await self._told.queue(feed.vhost, feed.name)
        return _queue(view.counts if row is None else row.counts)

    async def _overview(self, account: Account) -> tuple[Picture, Sequence[int]]:
        """Return the sums of the node for one who monitors, and else of the user's vhosts."""
        views, slices = self._node.views, self._node.slices
        vhosts = self._visible(account)
        flows = []
        for vhost in [None] if account.is_monitor else vhosts:
            try:
                flows.append(await slices.finish(views.flow(vhost)))
            except NotFoundError:
                continue  # It went meanwhile.
        numbers = _summed(flows)
        lengths = [
            self._sampler.vhosts[name].last for name in vhosts if name in self._sampler.vhosts
        ]
        ready, unacked = (sum([each[place] for each in lengths]) for place in (0, 1))
        view = views.node()
        picture: dict[str, Any] = {
            "queue_totals": {
                "messages": ready + unacked,
                "messages_ready": ready,
                "messages_unacknowledged": unacked,
            },
            "message_stats": _named(numbers, _TOTALS_STATS),
        }
        if account.is_monitor:
            picture["object_totals"] = {
                "connections": view.connection_count,
                "channels": view.channel_count,
                "queues": view.queue_count,
                "consumers": view.consumer_count,
            }
        return picture, numbers

    def _visible(self, account: Account) -> list[str]:
        names = self._node.vhost_names()
        if account.is_monitor:
            return names
        return [name for name in names if self._node.may_enter(account.name, name)]

    def _node_picture(self) -> tuple[Picture, Sequence[int]]:
        view = self._node.views.node()
        numbers = series.of_node(view)
        shown = {name: numbers[place] for name, (place,) in NODE_SERIES.items()}
        return {**shown, "run_queue": view.waiting_count}, ()

    async def _attention(self, account: Account) -> tuple[Picture, Sequence[int]]:
        await self._board.refresh()
        view = self._node.views.node()
        offset_ms = view.wall_ms - view.now_ms
        vhosts = {
            name for name in self._node.vhost_names() if self._node.may_enter(account.name, name)
        }
        shown = self._board.visible(account, vhosts, CONCERNS_MAX)
        return {"concerns": [concern.body(offset_ms) for concern in shown]}, ()


def rates(feed: Feed, before: Sequence[int], now: Sequence[int], span_ms: int) -> dict[str, float]:
    """Return how fast the counters of a feed grew, in 1/s, by their names."""
    named = _TOTALS_STATS if feed.kind == OVERVIEW else QUEUE_STATS
    grown = [new - old for new, old in zip(now, before, strict=True)]
    return {
        name: round(sum([grown[place] for place in places]) * 1000 / span_ms, 1)
        for name, places in named.items()
    }


def _queue(counts: QueueCounts) -> tuple[Picture, Sequence[int]]:
    numbers = series.of_queue(counts)
    return {
        "messages": counts.ready_count + counts.unacked_count,
        "messages_ready": counts.ready_count,
        "messages_unacknowledged": counts.unacked_count,
        "consumers": counts.consumer_count,
        "message_stats": _named(numbers, QUEUE_STATS),
    }, numbers


def _summed(flows: Iterable[FlowView]) -> tuple[int, ...]:
    rows = [(*series.of_channel(flow.channels), *series.of_traffic(flow.traffic)) for flow in flows]
    width = series.CHANNEL_WIDTH + series.TRAFFIC_WIDTH
    return tuple([sum(column) for column in zip((0,) * width, *rows, strict=True)])


def _named(numbers: Sequence[int], named: Series) -> Mapping[str, int]:
    return {name: sum([numbers[place] for place in places]) for name, places in named.items()}
