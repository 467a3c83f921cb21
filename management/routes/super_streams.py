"""Super streams: made, listed, and shown as a matrix of partitions and groups of readers.

Source: RabbitMQ 3.13, rabbit_stream_super_stream_mgmt, for how one is made; the others are ours.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice, takewhile
from typing import Any, Final

from amqp_server.broker.admin import PARTITIONS_MAX, NotFoundError
from amqp_server.broker.pages import Page
from amqp_server.broker.views import BindingView, ExchangeView
from management.bodies.super_streams import (
    Partition,
    Position,
    is_super_stream,
    partition_body,
    partitions_of,
    rates_of,
    super_stream_body,
)
from management.call import Call
from management.http.body import object_of
from management.http.errors import bad_request, not_found
from management.http.json_text import dumped
from management.http.request import whole_number
from management.http.response import Response, empty
from management.listing import Rows, in_pieces, listed
from management.node import pages
from management.routing.route import Right, Route
from management.vhost_commands import change, matching, require_object, require_vhost, things

GROUPS_MAX: Final = 100
"""Groups of readers in an answer; what is left out is counted."""

BINDINGS_MAX: Final = 10_000
"""Bindings of one exchange that are looked at: ten for each partition that there may be."""

GROUP_ARGUMENT: Final = "x-stream-group"
_DIGITS_MAX: Final = 9


async def super_streams(call: Call) -> Response:
    """Return the super streams of the vhosts that the user may enter."""
    return await _listed(call, call.enterable_vhosts())


async def super_streams_of_vhost(call: Call) -> Response:
    """Return the super streams of a vhost."""
    if not call.node.has_vhost(call.vhost):
        raise not_found()
    return await _listed(call, [call.vhost])


async def _listed(call: Call, vhosts: list[str]) -> Response:
    exchanges = call.node.views.exchanges
    all_exchanges = (view for vhost in vhosts for view in things(partial(exchanges, vhost)))
    found = await matching(call, all_exchanges, is_super_stream)

    def body(view: ExchangeView) -> Mapping[str, Any]:
        partitions = partitions_of(_bindings(call, view.vhost, view.name))
        bodies = [_body(call, view.vhost, partition, []) for partition in partitions]
        return super_stream_body(view, [each for each in bodies if each is not None])

    return await listed(call, Rows(iter(found), body, lambda view: view.name))


async def super_stream(call: Call) -> Response:
    """Return a super stream as a matrix of partitions and groups of readers."""
    view = call.node.views.exchange(call.vhost, call.names["super_stream"])
    require_object(view)
    assert view is not None, "it was required"
    if not is_super_stream(view):
        raise bad_request(f"exchange '{view.name}' in vhost '{call.vhost}' is no super stream")
    partitions = {each.name: each for each in partitions_of(_bindings(call, call.vhost, view.name))}
    await _find_positions(call, partitions)
    names = sorted({group for each in partitions.values() for group in each.positions})
    groups = names[:GROUPS_MAX]

    def parts() -> Iterator[bytes]:
        yield b'{"partitions":['
        separator = b""
        for partition in partitions.values():
            body = _body(call, call.vhost, partition, groups)
            if body is not None:
                yield separator + dumped(body)
                separator = b","
        head = {"name": view.name, "vhost": view.vhost, "type": view.type}
        left_out = len(names) - len(groups)
        rest = {**head, "durable": view.durable, "groups": groups, "groups_left_out": left_out}
        yield b"]," + dumped(rest)[1:]

    return Response(200, in_pieces(parts(), call.node.slices))


def _bindings(call: Call, vhost: str, source: str) -> Iterator[BindingView]:
    """Yield the bindings of an exchange to queues."""

    def look(after: Any) -> Page[Any, BindingView]:  # noqa: ANN401 -- a cursor of the view's own
        return call.node.views.bindings(vhost, after or (source, 0, 0))

    own = takewhile(lambda view: view.source == source, things(look))
    return (view for view in islice(own, BINDINGS_MAX) if view.destination_type == "queue")


def _body(call: Call, vhost: str, partition: Partition, groups: list[str]) -> dict[str, Any] | None:
    """Return a partition; None is a queue that is no stream, or is gone."""
    view = call.node.views.queue(vhost, partition.name)
    if view is None:
        return None
    try:
        segments = call.node.views.stream_segments(vhost, partition.name, 0, 1)
    except NotFoundError:
        return None
    if segments is None:
        return None
    sampler, node = call.services.sampler, call.services.identity.node
    numbers = sampler.queues.get((vhost, partition.name))
    rates = rates_of(numbers, sampler.looks)
    return partition_body(partition, view, segments, node, rates, groups)


async def _find_positions(call: Call, partitions: Mapping[str, Partition]) -> None:
    """Note where readers are, of both protocols, and what offsets are stored."""
    views, slices = call.node.views, call.node.slices
    for name, partition in partitions.items():
        try:
            tracking = views.stream_tracking(call.vhost, name)
        except NotFoundError:
            continue
        for group, offset in ({} if tracking is None else tracking.offsets).items():
            _position(partition, group).stored_offset = offset
        if slices.is_spent():
            await slices.pause()
    subscriptions = (view for page in pages(views.stream_consumers) for view in page)
    for each in await matching(
        call,
        subscriptions,
        lambda each: each.vhost == call.vhost and each.stream_name in partitions,
    ):
        position = _position(partitions[each.stream_name], each.properties.get("name", ""))
        _note(call, position, each.connection_number, each.next_offset, is_active=each.is_active)
    consumers = (view for page in pages(views.consumers) for view in page)
    for consumer in await matching(
        call, consumers, lambda each: each.vhost == call.vhost and each.queue_name in partitions
    ):
        given = consumer.arguments.get(GROUP_ARGUMENT)
        group = given if isinstance(given, str) else consumer.consumer_tag
        position = _position(partitions[consumer.queue_name], group)
        number, reached = consumer.connection_number, consumer.offset
        _note(call, position, number, reached, is_active=consumer.is_active)


def _position(partition: Partition, group: str) -> Position:
    return partition.positions.setdefault(group, Position())


def _note(
    call: Call, position: Position, number: int, next_offset: int | None, *, is_active: bool
) -> None:
    """Note a reader; of several that read, the one that is least far counts."""
    position.readers += 1
    if not is_active or next_offset is None:
        return
    if position.next_offset is None or next_offset < position.next_offset:
        owner = call.node.views.connection(number)
        position.next_offset = next_offset
        position.connection = None if owner is None else owner.name


async def put_super_stream(call: Call) -> Response:
    """Create a super stream with its partitions."""
    body = call.body()
    require_vhost(call)
    count, keys = body.get("partitions"), body.get("binding-keys")
    if count is None and keys is None:
        raise bad_request("Must specify partitions or binding keys")
    if count is not None and keys is not None:
        raise bad_request("Specify partitions or binding keys, not both")
    if body.get("node") not in {None, "", call.services.identity.node}:
        raise bad_request(f"Node {body['node']} is not a cluster member")
    arguments = object_of(body, "arguments")
    await change(
        call,
        "create_super_stream",
        name=call.names["super_stream"],
        keys=_numbers(count) if keys is None else _keys(keys),
        arguments={key: _text(key, value) for key, value in arguments.items()},
    )
    return empty()


def _numbers(count: object) -> list[str]:
    text = str(count)
    if whole_number(text.removeprefix("-")) is None:
        raise bad_request("The partitions must be a number")
    if int(text) < 1:
        raise bad_request("The partition number must be greater than 0")
    if int(text) > PARTITIONS_MAX:
        raise bad_request(f"The partition number must not exceed {PARTITIONS_MAX}")
    return [str(number) for number in range(int(text))]


def _keys(given: object) -> list[str]:
    if not isinstance(given, str):
        raise bad_request("The binding keys must be a text, with commas between them")
    if given.count(",") >= PARTITIONS_MAX:
        raise bad_request(f"The number of binding keys must not exceed {PARTITIONS_MAX}")
    keys = [key for each in given.split(",") if (key := each.strip())]
    if not keys:
        raise bad_request("The number of binding keys must be greater than 0")
    return keys


def _text(key: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise bad_request(f"The argument {key} must be a text or a number")


ROUTES: Final = (
    Route(
        method="GET",
        path="stream/super-streams",
        right=Right.USER,
        handler=super_streams,
        summary="Super streams, with sums over their partitions.",
        answer="super_stream_row",
        is_list=True,
        extension=True,
    ),
    Route(
        method="GET",
        path="stream/super-streams/{vhost}",
        right=Right.USER,
        handler=super_streams_of_vhost,
        summary="Super streams of a vhost.",
        answer="super_stream_row",
        is_list=True,
        extension=True,
    ),
    Route(
        method="GET",
        path="stream/super-streams/{vhost}/{super_stream}",
        right=Right.USER,
        handler=super_stream,
        summary="The partitions of a super stream, and where each group of readers is in them.",
        answer="super_stream_matrix",
        extension=True,
    ),
    Route(
        method="PUT",
        path="stream/super-streams/{vhost}/{super_stream}",
        right=Right.USER,
        handler=put_super_stream,
        summary="Create a super stream: so many partitions, or one for each binding key.",
        body="super_stream",
    ),
)
