"""Vhosts and their limits, as definitions.

Source: RabbitMQ, rabbit_definitions and the exports of its versions.
"""

from collections.abc import Iterable
from typing import Final

from amqp_server.broker.definitions.definition import VhostDefinition, VhostLimitsDefinition
from amqp_server.broker.definitions.fields import Fields, flag, limits, text, texts
from amqp_server.broker.definitions.item import Item, checking
from amqp_server.broker.definitions.place import Place
from amqp_server.broker.definitions.row import Applying, Names, Reading
from amqp_server.broker.definitions.target import BrokerTarget
from amqp_server.broker.limits import VHOST_LIMITS, validated
from amqp_server.broker.steps import Steps
from queues.kinds import KINDS, QueueKind

_PROTECTED: Final = "protected_from_deletion"


def _queue_kind(name: str) -> QueueKind:
    kind = KINDS.get(name)
    if kind is None:
        raise ValueError(f"'{name}' is no type of queue")
    return kind


class VhostRow:
    """A vhost, without its content. Stored under its name."""

    word: Final = "vhost"
    value_type: Final = VhostDefinition
    section: Final = "vhosts"
    component: Final = None
    obeys_policies: Final = False

    def names(self, vhost: VhostDefinition) -> Names:
        """Return the name."""
        return (vhost.name,)

    def encode(self, vhost: VhostDefinition) -> Fields:
        """Return what is said of it."""
        kind = vhost.default_queue_type
        fields: dict[str, object] = {
            "description": vhost.description,
            "tags": vhost.tags,
            "default_queue_type": None if kind is None else kind.name,
        }
        # Not there where it is not: so it was written before a vhost could be protected.
        return fields | {_PROTECTED: True} if vhost.protected else fields

    def decode(self, names: Names, fields: Fields) -> VhostDefinition:
        """Return the vhost."""
        (name,) = names
        kind = fields["default_queue_type"]
        return VhostDefinition(
            name,
            text(fields["description"]),
            texts(fields["tags"]),
            None if kind is None else _queue_kind(text(kind)),
            protected=flag(fields[_PROTECTED]) if _PROTECTED in fields else None,
        )

    def read(self, item: Item, _reading: Reading) -> VhostDefinition:
        """Read a vhost; a default queue type that we do not have is left out."""
        # 3.8 and later say it twice, at the top and as metadata.
        metadata = Item(item.mapping("metadata"), f"{item.path}.metadata")

        def source(name: str) -> Item:
            return item if item.has(name) else metadata

        kind: QueueKind | None = None
        word = "default_queue_type"
        if source(word).has(word):
            named = source(word).text(word)
            kind = KINDS.get(named)
            if kind is None:
                item.leave_out(word, f"there are no queues of type '{named}' here")
        described = source("description").has("description")
        return VhostDefinition(
            item.name("name"),
            source("description").text("description") if described else "",
            source("tags").words("tags"),
            kind,
            item.flag("tracing", default=False) if item.has("tracing") else None,
            source(_PROTECTED).flag(_PROTECTED, default=False)
            if source(_PROTECTED).has(_PROTECTED)
            else None,
        )

    def show(self, vhost: VhostDefinition) -> dict[str, object]:
        """Return it with what is said of it twice, as RabbitMQ does."""
        described = {"description": vhost.description, "tags": list(vhost.tags)}
        kind = vhost.default_queue_type
        typed = {} if kind is None else {"default_queue_type": kind.name}
        protected = {_PROTECTED: True} if vhost.protected else {}
        metadata = {**described, **typed, **protected}
        return {"name": vhost.name, **described, "metadata": metadata}

    def missing(self, place: Place, vhost: VhostDefinition) -> None:
        """Refer to nothing; the node may have as many as it is allowed."""
        place.add_vhost(vhost.name, vhost.default_queue_type)

    def apply(self, broker: BrokerTarget, vhost: VhostDefinition, applying: Applying) -> None:
        """Create it, or say something else of the one that is there."""
        broker.add_vhost(vhost.name, is_restored=applying.is_restored).describe(vhost)

    def remove(self, broker: BrokerTarget, vhost: VhostDefinition, now_ms: int) -> Steps[None]:
        """Delete it with all in it, and close its connections."""
        if broker.has_vhost(vhost.name):
            yield from broker.deleting_vhost(vhost.name, now_ms)

    def held(self, broker: BrokerTarget) -> Iterable[VhostDefinition]:
        """Return all vhosts."""
        return [vhost.definition for vhost in broker.vhosts()]


class VhostLimitsRow:
    """The limits of a vhost, which RabbitMQ keeps as a parameter. Stored under its name."""

    word: Final = "vhost limits"
    value_type: Final = VhostLimitsDefinition
    section: Final = "parameters"
    component: Final = "vhost-limits"
    obeys_policies: Final = False

    def names(self, held: VhostLimitsDefinition) -> Names:
        """Return the vhost."""
        return (held.vhost,)

    def encode(self, held: VhostLimitsDefinition) -> Fields:
        """Return the limits."""
        return {"limits": dict(held.limits)}

    def decode(self, names: Names, fields: Fields) -> VhostLimitsDefinition:
        """Return the limits."""
        (vhost,) = names
        return VhostLimitsDefinition(vhost, limits(fields["limits"]))

    def read(self, item: Item, reading: Reading) -> VhostLimitsDefinition:
        """Read limits, each of which must be known."""
        with checking(item):
            numbers = validated(item.mapping("value"), VHOST_LIMITS, "limits")
        return VhostLimitsDefinition(reading.vhost_of(item), numbers)

    def show(self, held: VhostLimitsDefinition) -> dict[str, object]:
        """Return them as the parameter that they are."""
        return {
            "vhost": held.vhost,
            "component": self.component,
            "name": "limits",
            "value": dict(held.limits),
        }

    def missing(self, place: Place, held: VhostLimitsDefinition) -> str | None:
        """Refer to a vhost."""
        return place.missing_vhost(held.vhost)

    def apply(self, broker: BrokerTarget, held: VhostLimitsDefinition, _applying: Applying) -> None:
        """Put these in place of all that held."""
        broker.vhost(held.vhost).set_limits(held.limits)

    def remove(
        self, broker: BrokerTarget, held: VhostLimitsDefinition, _now_ms: int
    ) -> Steps[None]:
        """Lift them all."""
        if broker.has_vhost(held.vhost):
            broker.vhost(held.vhost).set_limits({})
        yield

    def held(self, broker: BrokerTarget) -> Iterable[VhostLimitsDefinition]:
        """Return the limits of the vhosts that have any."""
        for vhost in broker.vhosts():
            numbers = vhost.limits.as_dict()
            if numbers:
                yield VhostLimitsDefinition(vhost.name, numbers)
