"""Queues as JSON."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from amqp_server.broker.views import QueueView
from management.bodies.cluster import places_body, recoverable_of
from management.bodies.stats import NO_ERLANG, idle_since, wanted_of, with_details
from management.dangers import state_of
from management.identity import Identity
from management.lists.columns import Wanted, wanted_in, wants
from management.lists.ranges import Ranges
from management.samples import series
from management.samples.details import Looks, rate_of
from management.samples.history import History

_REPLICATED: Final = frozenset({"quorum", "stream"})

_FIRST: Final = frozenset(
    {"name", "vhost", "type", "durable", "auto_delete", "exclusive", "state", "message_stats"}
    | {name for length in series.LENGTHS for name in (length, f"{length}_details")}
)
"""Fields of a queue that are there without the others."""


def queue_definition_body(view: QueueView, identity: Identity) -> dict[str, Any]:
    """Return a queue as ``disable_stats=true`` has it: what it is, and not how it is."""
    mirrored = view.mirrored
    body: dict[str, Any] = {
        "name": view.name,
        "vhost": view.vhost,
        "type": view.kind,
        "durable": view.durable,
        "auto_delete": view.auto_delete,
        "exclusive": view.exclusive,
        "arguments": dict(view.arguments),
        "node": (mirrored and mirrored.leader) or identity.node,
        "state": _state(view),
    }
    if view.policy is not None:
        body["policy"] = view.policy
    if mirrored is not None:
        body |= places_body(mirrored)
    elif view.kind in _REPLICATED:
        body |= {
            "leader": identity.node,
            "members": [identity.node],
            "online": [identity.node],
        }
    if view.kind == "stream":
        body["readers"] = {identity.node: view.counts.consumer_count}
    return body


def _state(view: QueueView) -> str:
    if view.mirrored is not None and (state := state_of(view.mirrored)) != "running":
        return state
    return "paused" if view.is_paused else "running"


def totals_of(view: QueueView) -> Mapping[str, int]:
    """Return how many messages a queue has."""
    ready, unacked = view.counts.ready_count, view.counts.unacked_count
    return {
        "messages": ready + unacked,
        "messages_ready": ready,
        "messages_unacknowledged": unacked,
    }


def queue_body(
    view: QueueView,
    identity: Identity,
    numbers: History | None,
    looks: Looks,
    ranges: Ranges,
    wanted: Wanted = None,
) -> dict[str, Any]:
    """Return a queue with its numbers.

    Args:
        view: of the queue.
        identity: of the node.
        numbers: of the queue over time; None as long as it was not looked at.
        looks: when queues were looked at.
        ranges: samples that the request asks for.
        wanted: what the object must have; numbers that are not wanted are left out, because those
            of ten thousand queues take long.
    """
    now = series.of_queue(view.counts)
    body = queue_definition_body(view, identity)
    lengths = wanted_of(series.LENGTHS, wanted)
    body |= with_details(numbers, lengths, looks, ranges.lengths, now)
    if wants(wanted, ("message_stats",)):
        stats = wanted_of(series.QUEUE_STATS, wanted_in(wanted, "message_stats"))
        body["message_stats"] = with_details(numbers, stats, looks, ranges.msg_rates, now)
    if wanted is None or not wanted.keys() <= _FIRST:
        body |= _rest(view) | _places_of(view) | idle_since(numbers, looks) | NO_ERLANG
    return body


def sampled_number(path: Sequence[str]) -> Callable[[History, Looks], float] | None:
    """Return what tells a number or a rate as it was at the last look; None if it has no samples.

    Args:
        path: names of a field of ``queue_body``, from the outside: ``messages``,
            ``message_stats.ack``, ``messages_details.rate``.
    """
    is_stat = path[0] == "message_stats"
    shown, names = (series.QUEUE_STATS, path[1:]) if is_stat else (series.LENGTHS, path)
    for name, places in shown.items():
        if tuple(names) == (name,):
            return partial(_last_sum, places)
        if tuple(names) == (f"{name}_details", "rate"):
            return partial(_rate, places)
    return None


def _last_sum(places: tuple[int, ...], numbers: History, _looks: Looks) -> float:
    last, total = numbers.last, 0
    for place in places:
        total += last[place]
    return total


def _rate(places: tuple[int, ...], numbers: History, looks: Looks) -> float:
    return rate_of(numbers, places, looks)


def _rest(view: QueueView) -> dict[str, Any]:
    """Return what is neither how it was declared nor numbers over time."""
    counts = view.counts
    body: dict[str, Any] = {
        "consumers": counts.consumer_count,
        "memory": counts.memory_bytes,
        "message_bytes": counts.ready_bytes + counts.unacked_bytes,
        "message_bytes_ready": counts.ready_bytes,
        "message_bytes_unacknowledged": counts.unacked_bytes,
        "policy": view.policy,
        "operator_policy": view.operator_policy,
        "effective_policy_definition": dict(view.effective_policy),
        "exclusive_consumer_tag": view.exclusive_tag,
        "single_active_consumer_tag": view.single_active_tag,
    }
    if view.kind == "quorum":
        body["messages_dlx"] = counts.dying_count
    if view.seen is not None:
        body["deduplication"] = view.seen._asdict()
    return body


def _places_of(view: QueueView) -> dict[str, Any]:
    """Return where the messages are. All of a durable queue are in its log, and so persistent."""
    counts = view.counts
    count, size_bytes = counts.ready_count + counts.unacked_count, counts.ready_bytes
    size_bytes += counts.unacked_bytes
    capacity = 1.0 if view.may_deliver else 0.0
    return {
        "messages_ram": count - view.spilled_count,
        "messages_ready_ram": counts.ready_count - view.spilled_count,
        "messages_unacknowledged_ram": counts.unacked_count,
        "messages_paged_out": view.spilled_count,
        "messages_persistent": count if view.durable else 0,
        "message_bytes_ram": size_bytes - view.spilled_bytes,
        "message_bytes_paged_out": view.spilled_bytes,
        "message_bytes_persistent": size_bytes if view.durable else 0,
        "consumer_capacity": capacity,
        "consumer_utilisation": capacity,
        "head_message_timestamp": None,
        "recoverable_slaves": _recoverable(view),
    }


def _recoverable(view: QueueView) -> list[str] | None:
    """Return what RabbitMQ has of mirrored classic queues, and null of all others."""
    if view.mirrored is None or view.kind != "classic":
        return None
    return recoverable_of(view.mirrored)
