"""What is busiest: ``top``, where RabbitMQ shows the processes of Erlang.

Rows are connections and queues, for these are what works here. ``reductions`` are the octets of a
connection and the messages through a queue; no row has a memory of its own.

Source: RabbitMQ 3.10, rabbitmq_top: the names of the fields, 20 rows, and the sorting.
"""

import heapq
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from management.call import Call
from management.http.errors import not_found
from management.http.response import Response, answer
from management.routing.route import Right, Route
from management.samples.details import rate_of

ROWS_USUAL: Final = 20
ROWS_MAX: Final = 1_000

_SORTS: Final = ("reduction_delta", "reductions", "message_queue_len", "memory")
_QUEUE: Final = (2, 3, 4, 5, 6)
_TRAFFIC: Final = (0, 1)


class _Row(NamedTuple):
    """One that works; sorted by its first number."""

    weight: float
    kind: str
    place: tuple[str, str] | int
    reductions: int
    rate: float
    waiting_count: int


async def top(call: Call) -> Response:
    """Return the busiest connections and queues."""
    if call.names["node"] != call.services.identity.node:
        raise not_found()
    query = call.request.query
    sort = query.get("sort") or _SORTS[0]
    rows_max = min(query.number("row_count", ROWS_USUAL), ROWS_MAX)
    kept: list[tuple[float, int, _Row]] = []
    slices = call.node.slices
    for number, row in enumerate(_rows(call, sort if sort in _SORTS else _SORTS[0])):
        pair = (row.weight, -number, row)
        if len(kept) < rows_max:
            heapq.heappush(kept, pair)
        elif kept and kept[0] < pair:
            heapq.heapreplace(kept, pair)
        if slices.is_spent():
            await slices.pause()
    busiest_first = [row for _, _, row in sorted(kept, reverse=True)]
    if query.is_true("sort_reverse"):
        busiest_first.reverse()
    bodies = [body for body in (_body(call, row) for row in busiest_first) if body is not None]
    return answer({"node": call.names["node"], "row_count": rows_max, "processes": bodies})


def _rows(call: Call, sort: str) -> Iterator[_Row]:
    """Yield what works. The sampler replaces its tables at a look, and changes none of them."""
    sampler = call.services.sampler
    looks = sampler.looks
    for number, traffic in sampler.connections.items():
        moved = sum([traffic.last[index] for index in _TRAFFIC])
        rate = rate_of(traffic, _TRAFFIC, looks)
        yield _Row(_weight(sort, rate, moved, 0), "connection", number, moved, rate, 0)
    for place, messages in sampler.queues.items():
        moved = sum([messages.last[index] for index in _QUEUE])
        rate, ready = rate_of(messages, _QUEUE, looks), messages.last[0]
        yield _Row(_weight(sort, rate, moved, ready), "queue", place, moved, rate, ready)


def _weight(sort: str, rate: float, moved: int, waiting_count: int) -> float:
    weights = {"reductions": moved, "message_queue_len": waiting_count, "memory": 0}
    return weights.get(sort, rate)


def _body(call: Call, row: _Row) -> dict[str, Any] | None:
    """Return a row as an object; None where the thing is gone."""
    if isinstance(row.place, tuple):
        vhost, name = row.place
        shown = {"type": "queue", "vhost": vhost, "name": name}
        pid = f"queue {name} in {vhost}"
    else:
        view = call.node.views.connection(row.place)
        if view is None:
            return None
        shown = {"type": "connection", "vhost": view.vhost, "name": view.name}
        pid = f"connection {row.place}"
    return {
        "pid": pid,
        "name": shown,
        "memory": 0,
        "message_queue_len": row.waiting_count,
        "reductions": row.reductions,
        "reduction_delta": row.rate,
        "status": "running" if row.rate else "waiting",
    }


ROUTES: Final = (
    Route(
        method="GET",
        path="top/{node}",
        right=Right.ADMINISTRATOR,
        handler=top,
        summary="The busiest connections and queues; sort and row_count choose.",
        answer="top",
    ),
)
