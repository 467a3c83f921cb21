"""Where mirrored queues are: their leaders and replicas, moved by hand.

A queue behind a delayed exchange is named as it is shown: ``(waits for exchange 'orders')``.
``queues/quorum`` are RabbitMQ's paths of 3.13 and 4.x, for quorum queues; the others are ours and
for all kinds.
"""

from typing import Final

from amqp_server.broker.admin import (
    NotFoundError,
    Promotion,
    loss_text,
    promotion_warnings,
)
from management.bodies.cluster import replication_body
from management.call import Call
from management.clustered import require_cluster
from management.dangers import leader_of
from management.http.body import require_keys, text_of, truth_of
from management.http.errors import bad_request
from management.http.response import Response, answer, created_or_changed, empty
from management.routing.route import Handler, Right, Route
from management.vhost_commands import require_object

NO_MEMBER: Final = "Node is not a cluster member"


async def show(call: Call) -> Response:
    """Return who leads a queue, and who has replicas of it; one that is not mirrored has none."""
    queue = call.node.views.mirrored_queue(call.vhost, call.names["queue"])
    if queue is None:
        require_object(call.node.views.queue(call.vhost, call.names["queue"]))
        return answer({"leader": "", "replicas": []})
    replicas = replication_body(queue)["replicas"]
    return answer({"leader": leader_of(queue), "replicas": replicas})


async def move_leader(call: Call) -> Response:
    """Have another member lead a queue, the one that is named or any."""
    _require_queue(call)
    node = text_of(call.body(), "node", "")
    return answer({"leader": await _do(call, "move_leader", node)})


async def add_replica(call: Call) -> Response:
    """Have a node get a replica of a queue."""
    _require_queue(call)
    await _do(call, "add_replica", call.names["node"])
    return created_or_changed(is_new=True)


async def remove_replica(call: Call) -> Response:
    """Have a node give its replica of a queue up."""
    _require_queue(call)
    await _do(call, "remove_replica", call.names["node"])
    return empty()


async def add_member(call: Call) -> Response:
    """Do the same as RabbitMQ asks for it."""
    return await _member(call, "add_replica")


async def delete_member(call: Call) -> Response:
    """Do the same as RabbitMQ asks for it."""
    return await _member(call, "remove_replica")


async def _member(call: Call, command: str) -> Response:
    body = call.body()
    require_keys(body, "node")
    _require_queue(call)
    try:
        await _do(call, command, text_of(body, "node"))
    except NotFoundError as error:
        raise bad_request(NO_MEMBER) from error
    return empty()


async def promotion(call: Call) -> Response:
    """Return what would be lost if a replica led alone, and what speaks against it."""
    _require_queue(call)
    asked = await _do(call, "ask_promotion", call.names["node"])
    assert isinstance(asked, Promotion), "the command answers so"
    return answer(
        {
            "node": asked.node,
            "possible": not asked.refusal,
            "refusal": asked.refusal,
            "loss": loss_text(call.names["queue"], asked),
            "warnings": promotion_warnings(call.names["queue"], asked),
            "members": list(asked.members),
            "damaged": asked.is_damaged,
            "emptied": asked.is_emptied,
            "ahead": list(asked.ahead),
            "silent": list(asked.silent),
            "leads": asked.leads,
        }
    )


async def promote(call: Call) -> Response:
    """Have a replica lead alone, once the loss is accepted."""
    _require_queue(call)
    node = call.names["node"]
    if not truth_of(call.body(), "accept_data_loss", default=False):
        asked = await _do(call, "ask_promotion", node)
        assert isinstance(asked, Promotion), "the command answers so"
        name = call.names["queue"]
        all_said = [*promotion_warnings(name, asked), loss_text(name, asked)]
        said = asked.refusal or " ".join(all_said)
        raise bad_request(f"{said} Ask again with accept_data_loss: true if this is accepted.")
    return answer({"epoch": await _do(call, "promote", node)})


def _require_queue(call: Call) -> None:
    """Refuse a request on a node in no cluster, and one about a queue that there is not."""
    require_cluster(call.node)
    vhost, name = call.vhost, call.names["queue"]
    views = call.node.views
    require_object(views.mirrored_queue(vhost, name) or views.queue(vhost, name))


async def _do(call: Call, command: str, node: str) -> object:
    return await call.node.command(command, vhost=call.vhost, name=call.names["queue"], node=node)


_QUEUE: Final = "queues/{vhost}/{queue}"
_QUORUM: Final = "queues/quorum/{vhost}/{queue}/replicas"


def _route(
    method: str, path: str, handler: Handler, summary: str, body: str = "", answer_shape: str = ""
) -> Route:
    return Route(
        method=method,
        path=path,
        right=Right.ADMINISTRATOR,
        handler=handler,
        summary=summary,
        body=body,
        answer=answer_shape,
        extension=path.startswith(_QUEUE),
    )


ROUTES: Final = (
    Route(
        method="GET",
        path=f"{_QUEUE}/replicas",
        right=Right.MONITORING,
        handler=show,
        summary="Who leads a queue, and who has replicas of it.",
        answer="replicas",
        extension=True,
    ),
    _route(
        "POST",
        f"{_QUEUE}/leader",
        move_leader,
        "Have another member of the in-sync set lead a queue.",
        "wanted_leader",
        "leader",
    ),
    _route(
        "PUT", f"{_QUEUE}/replicas/{{node}}", add_replica, "Have a node get a replica of a queue."
    ),
    _route(
        "DELETE",
        f"{_QUEUE}/replicas/{{node}}",
        remove_replica,
        "Have a node give its replica of a queue up.",
    ),
    _route(
        "GET",
        f"{_QUEUE}/promotion/{{node}}",
        promotion,
        "What would be lost if a replica led that is not in the in-sync set.",
        answer_shape="promotion",
    ),
    _route(
        "POST",
        f"{_QUEUE}/promotion/{{node}}",
        promote,
        "Have such a replica lead, with accept_data_loss: true.",
        "wanted_promotion",
        "epoch",
    ),
    _route("POST", f"{_QUORUM}/add", add_member, "Have a node get a replica.", "wanted_replica"),
    _route(
        "DELETE",
        f"{_QUORUM}/delete",
        delete_member,
        "Have a node give its replica up.",
        "wanted_replica",
    ),
)
