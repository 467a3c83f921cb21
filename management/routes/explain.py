"""Why a queue moves or does not: ``queues/…/explain``."""

from typing import Final

from amqp_server.broker.views import QueueView
from management.attention.standstill import Served, Standstill, explanation_body
from management.call import Call
from management.http.errors import not_found
from management.http.response import Response, answer
from management.node import pages
from management.routing.route import AnsweredBy, Right, Route
from management.samples.details import rate_of
from management.samples.series import QUEUE_STATS
from management.vhost_commands import matching

_LEAVING: Final = (*QUEUE_STATS["deliver_get"], *QUEUE_STATS["ack"])


async def explain(call: Call) -> Response:
    """Say why the messages of a queue move, or what they wait for."""
    view = call.node.views.queue(call.vhost, call.names["queue"])
    if view is None:
        raise not_found()
    served = await _served(call, view)
    sampler = call.services.sampler
    numbers = sampler.queues.get((view.vhost, view.name))
    rate = None if numbers is None else rate_of(numbers, _LEAVING, sampler.looks)
    alarm = call.node.views.node().alarm
    return answer(explanation_body(Standstill(view, served, alarm, rate)))


async def _served(call: Call, queue: QueueView) -> list[Served]:
    """Return the consumers of a queue; all consumers of the node are looked at, in slices."""
    if not queue.counts.consumer_count:
        return []
    views = call.node.views
    all_of_them = (view for page in pages(views.consumers) for view in page)
    place = (queue.vhost, queue.name)
    found = await matching(call, all_of_them, lambda view: (view.vhost, view.queue_name) == place)
    pairs = [(view, views.connection(view.connection_number)) for view in found]
    return [Served(view, owner) for view, owner in pairs if owner is not None]


ROUTES: Final = (
    Route(
        method="GET",
        path="queues/{vhost}/{queue}/explain",
        right=Right.USER,
        handler=explain,
        summary="Why the messages of a queue move, or what they wait for.",
        answer="explanation",
        extension=True,
        answered_by=AnsweredBy.LEADER,
    ),
)
