"""The bindings of a federated exchange, as its upstream has to have them.

Bindings that differ in nothing but where they lead are one there. What has to be done is kept as a
set, so that a binding that comes and goes a thousand times costs no more than what it is at last.

Source: RabbitMQ 3.10, rabbit_federation_exchange_link: the argument ``x-bound-from``.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from amqp_server.broker.binding_arguments import typed_arguments
from amqp_server.wire.tables import Field, Table, longstr
from exchanges.bindings import Binding, Destination, DestinationKind
from exchanges.routing import Router

BOUND_FROM: Final = "x-bound-from"
"""Argument with a table for each exchange that a binding was mirrored from, the last in front."""

PIECE: Final = 256
"""Bindings that are looked at in one piece."""


_NOWHERE: Final = Destination(DestinationKind.QUEUE, "")


class Rule(NamedTuple):
    """A binding without where it leads."""

    routing_key: str
    arguments_key: bytes


class Place(NamedTuple):
    """Who mirrors bindings.

    Attributes:
        cluster: name of this one.
        vhost: of the exchange.
        exchange: its name here, and which of its two names at the upstream is in use.
        upstream_cluster, upstream_vhost: where they are mirrored to.
        max_hops: how often a binding is mirrored on.
    """

    cluster: str
    vhost: str
    exchange: str
    upstream_cluster: str
    upstream_vhost: str
    max_hops: int


class MirroredBindings:
    """What an exchange is bound by, and what of it the upstream does not have yet."""

    def __init__(self) -> None:
        self._held: dict[Rule, tuple[Binding, set[Destination]]] = {}
        self._changed: dict[Rule, None] = {}
        self._there: set[Rule] = set()

    def learning(self, router: Router, exchange: str) -> Iterator[None]:
        """Learn the bindings of an exchange, in pieces; ``add`` and ``remove`` may come between."""
        for count, binding in enumerate(router.bindings.of_source(exchange)):
            if count % PIECE == PIECE - 1:
                yield
            place = (binding.source, binding.destination, binding.routing_key)
            if router.bindings.find(*place, binding.arguments_key) is not None:
                self.add(binding)

    def add(self, binding: Binding) -> None:
        """Note a binding that is there now."""
        rule = Rule(binding.routing_key, binding.arguments_key)
        held = self._held.get(rule)
        if held is None:
            self._held[rule] = (binding, {binding.destination})
            self._changed[rule] = None
        else:
            held[1].add(binding.destination)

    def remove(self, binding: Binding) -> None:
        """Note a binding that is gone."""
        rule = Rule(binding.routing_key, binding.arguments_key)
        held = self._held.get(rule)
        if held is not None:
            held[1].discard(binding.destination)
            if not held[1]:
                del self._held[rule]
                self._changed[rule] = None

    def begin_again(self) -> None:
        """Note that the upstream has none of them."""
        self._there.clear()
        self._changed = dict.fromkeys(self._held)

    def changes(self, place: Place, count_max: int) -> list[tuple[bool, str, Table]]:
        """Return what the upstream has to do next: whether to bind, the key, and the arguments.

        Args:
            place: who mirrors them.
            count_max: how many are looked at.
        """
        found: list[tuple[bool, str, Table]] = []
        for _ in range(min(count_max, len(self._changed))):
            rule = next(iter(self._changed))
            del self._changed[rule]
            is_wanted, is_there = rule in self._held, rule in self._there
            if is_wanted == is_there:
                continue
            binding = Binding("", _NOWHERE, rule.routing_key, {}, rule.arguments_key)
            if is_wanted:
                binding = self._held[rule][0]
            arguments = _mirrored_arguments(typed_arguments(binding), place)
            if arguments is None:
                continue
            if is_wanted:
                self._there.add(rule)
            else:
                self._there.discard(rule)
            found.append((is_wanted, rule.routing_key, arguments))
        return found

    @property
    def is_changed(self) -> bool:
        """Whether there is anything to look at."""
        return bool(self._changed)


def _mirrored_arguments(arguments: Table, place: Place) -> Table | None:
    """Return the arguments of a binding at the upstream; None where it is not mirrored on."""
    held = arguments.get(BOUND_FROM)
    earlier = held.value if held is not None and isinstance(held.value, list) else []
    hops = place.max_hops
    if earlier:
        if any(_is_of(each, place) for each in earlier):
            return None
        hops = min(_hops_of(earlier[0]) - 1, hops)
    if hops <= 0:
        return None
    note = {
        "cluster-name": longstr(place.cluster),
        "vhost": longstr(place.vhost),
        "exchange": longstr(f"{place.vhost}:{place.exchange}"),
        "hops": Field("s", hops),
    }
    return {**arguments, BOUND_FROM: Field("A", [Field("F", note), *earlier])}


def _is_of(note: Field, place: Place) -> bool:
    """Whether a binding was mirrored from the upstream itself."""
    table = note.value
    if not isinstance(table, dict):
        return False
    cluster, vhost = table.get("cluster-name"), table.get("vhost")
    return cluster == longstr(place.upstream_cluster) and (
        vhost is None or vhost == longstr(place.upstream_vhost)
    )


def _hops_of(note: Field) -> int:
    hops = note.value.get("hops") if isinstance(note.value, dict) else None
    return hops.value if hops is not None and isinstance(hops.value, int) else 0
