"""Makes the topology and the load of a scenario."""

from collections.abc import Sequence
from typing import Final

from benchmarks.scenarios import Flow, Paced, Rpc
from load_generator import wire
from load_generator.load import INSTANT_BYTES, Binding, Load, Topology
from load_generator.wire import FieldValue

FLOOD_BODY: Final = b"x" * 12
_HEADERS: Final = {f"x-header-{index}": f"value {index} of the header" for index in range(16)}


def topology_of(flow: Flow, prefix: str) -> Topology:
    """Return the topology of a flow; ``prefix`` makes the names of a window unique."""
    queues = _queues(flow.queue_count, prefix)
    if not flow.exchange_kind:
        return Topology(queues, durable=flow.is_persistent)
    if flow.is_spread:
        each = [Binding(queue, _own_key(number)) for number, queue in enumerate(queues)]
        return Topology(queues, prefix, flow.exchange_kind, each, durable=flow.is_persistent)
    numbers = range(flow.binding_count)
    bindings = [
        Binding(queue, _words(number, "*"), _matched(number) if flow.is_by_headers else {})
        for queue in queues
        for number in numbers
    ]
    return Topology(queues, prefix, flow.exchange_kind, bindings, durable=flow.is_persistent)


def single_queue(prefix: str) -> Topology:
    """Return one queue of the default exchange."""
    return Topology(_queues(1, prefix))


def _queues(count: int, prefix: str) -> tuple[str, ...]:
    # All have the same length, because a name may be a routing key.
    width = len(str(count - 1))
    return tuple(f"{prefix}.{index:0{width}d}" for index in range(count))


def _words(number: int, last_word: str) -> str:
    return f"site.{number:03d}.{last_word}"


def _own_key(number: int) -> str:
    return _words(number, "reading")


def _matched(number: int) -> dict[str, FieldValue]:
    return {"x-match": "all", "kind": f"kind {number}", "size": "large"}


def load_of(flow: Flow, topology: Topology) -> Load:
    """Return the load of a flow."""
    # All publishers have the same keys, which are then rendered only once.
    keys = _keys(flow, topology)
    return Load(
        exchange=topology.exchange,
        publisher_keys=[keys] * flow.publisher_count,
        properties=wire.properties(_headers(flow), persistent=flow.is_persistent),
        body=b"x" * flow.body_size_bytes,
        publishes_per_write=flow.publishes_per_write,
        confirm_window=flow.confirm_window,
        backlog_max=flow.backlog_max,
        copies=flow.copies,
        consumer_queues=topology.queues,
        settle=flow.settle,
        ack_every=flow.ack_every,
        prefetch_count=flow.prefetch_count,
    )


def _keys(flow: Flow, topology: Topology) -> Sequence[str]:
    """Return as many keys as asked for, spread over the bindings; one is from the middle."""
    if not flow.exchange_kind:
        return topology.queues
    if flow.is_spread:
        return [_own_key(number) for number in range(flow.queue_count)]
    if flow.key_count == 1:
        return [_words(flow.binding_count // 2, "reading")]
    numbers = range(flow.key_count)
    return [_words(number % flow.binding_count, f"{number:06d}") for number in numbers]


def _headers(flow: Flow) -> dict[str, FieldValue] | None:
    if flow.is_by_headers:
        matched = _matched(flow.binding_count // 2)
        del matched["x-match"]
        return matched
    return dict(list(_HEADERS.items())[: flow.header_count]) or None


def paced_load(paced: Paced, topology: Topology) -> Load:
    """Return the load of a publisher at a fixed rate and its consumer."""
    assert paced.body_size_bytes >= INSTANT_BYTES, "bodies begin with an instant"
    return Load(
        publisher_keys=[topology.queues],
        properties=wire.properties(),
        body=bytes(paced.body_size_bytes),
        has_instants=True,
        rate_per_s=paced.rate_per_s,
        consumer_queues=topology.queues,
    )


def flood_load(topology: Topology) -> Load:
    """Return the load of a publisher that waits for nothing."""
    return Load(publisher_keys=[topology.queues], properties=wire.properties(), body=FLOOD_BODY)


def request_of(call: Rpc, topology: Topology, reply_to: str) -> bytes:
    """Render the one request that a client sends again and again."""
    properties = wire.properties(reply_to=reply_to)
    return wire.publish("", topology.queues[0], properties, b"x" * call.body_size_bytes)
