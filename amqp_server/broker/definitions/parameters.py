"""Runtime parameters of components that this version does not have: kept and shown.

Source: RabbitMQ, rabbit_definitions and the exports of its versions.
"""

from collections.abc import Iterable
from typing import Final

from amqp_server.broker.definitions.definition import (
    GlobalParameterDefinition,
    ParameterDefinition,
)
from amqp_server.broker.definitions.fields import Fields
from amqp_server.broker.definitions.item import Item
from amqp_server.broker.definitions.place import Place
from amqp_server.broker.definitions.row import Applying, Names, Reading
from amqp_server.broker.definitions.target import BrokerTarget
from amqp_server.broker.steps import Steps


class GlobalParameterRow:
    """A parameter of the cluster. Stored under its name."""

    word: Final = "global parameter"
    value_type: Final = GlobalParameterDefinition
    section: Final = "global_parameters"
    component: Final = None
    obeys_policies: Final = False

    def names(self, parameter: GlobalParameterDefinition) -> Names:
        """Return the name."""
        return (parameter.name,)

    def encode(self, parameter: GlobalParameterDefinition) -> Fields:
        """Return the value."""
        return {"value": parameter.value}

    def decode(self, names: Names, fields: Fields) -> GlobalParameterDefinition:
        """Return the parameter."""
        (name,) = names
        return GlobalParameterDefinition(name, fields["value"])

    def read(self, item: Item, _reading: Reading) -> GlobalParameterDefinition:
        """Read a parameter, whatever its value is."""
        return GlobalParameterDefinition(item.text("name"), item.raw("value"))

    def show(self, parameter: GlobalParameterDefinition) -> dict[str, object]:
        """Return all of it."""
        return {"name": parameter.name, "value": parameter.value}

    def missing(self, _place: Place, _parameter: GlobalParameterDefinition) -> None:
        """Refer to nothing."""

    def apply(
        self, broker: BrokerTarget, parameter: GlobalParameterDefinition, _applying: Applying
    ) -> None:
        """Create or replace it."""
        broker.set_global_parameter(parameter)

    def remove(
        self, broker: BrokerTarget, parameter: GlobalParameterDefinition, _now_ms: int
    ) -> Steps[None]:
        """Delete it."""
        broker.clear_global_parameter(parameter.name)
        yield

    def held(self, broker: BrokerTarget) -> Iterable[GlobalParameterDefinition]:
        """Return all of them."""
        held = broker.global_parameters.items()
        return [GlobalParameterDefinition(name, value) for name, value in held]


class ParameterRow:
    """A parameter of a vhost. Stored under vhost, component and name."""

    word: Final = "parameter"
    value_type: Final = ParameterDefinition
    section: Final = "parameters"
    component: Final = None
    obeys_policies: Final = False

    def names(self, parameter: ParameterDefinition) -> Names:
        """Return vhost, component and name."""
        return (parameter.vhost, parameter.component, parameter.name)

    def encode(self, parameter: ParameterDefinition) -> Fields:
        """Return the value."""
        return {"value": parameter.value}

    def decode(self, names: Names, fields: Fields) -> ParameterDefinition:
        """Return the parameter."""
        vhost, component, name = names
        return ParameterDefinition(vhost, component, name, fields["value"])

    def read(self, item: Item, reading: Reading) -> ParameterDefinition:
        """Read a parameter, whatever its value is."""
        return ParameterDefinition(
            reading.vhost_of(item), item.text("component"), item.text("name"), item.raw("value")
        )

    def show(self, parameter: ParameterDefinition) -> dict[str, object]:
        """Return all of it."""
        return {
            "vhost": parameter.vhost,
            "component": parameter.component,
            "name": parameter.name,
            "value": parameter.value,
        }

    def missing(self, place: Place, parameter: ParameterDefinition) -> str | None:
        """Refer to a vhost."""
        return place.missing_vhost(parameter.vhost)

    def apply(
        self, broker: BrokerTarget, parameter: ParameterDefinition, _applying: Applying
    ) -> None:
        """Create or replace it."""
        broker.set_parameter(parameter)

    def remove(
        self, broker: BrokerTarget, parameter: ParameterDefinition, _now_ms: int
    ) -> Steps[None]:
        """Delete it."""
        broker.clear_parameter(parameter.vhost, parameter.component, parameter.name)
        yield

    def held(self, broker: BrokerTarget) -> Iterable[ParameterDefinition]:
        """Return all of them."""
        return [ParameterDefinition(*key, value) for key, value in broker.parameters.items()]
