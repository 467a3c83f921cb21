"""The whole of ``haremq.yaml``: one section per package, declared where it is used.

A section is a frozen dataclass whose fields are the keys. The annotation is the type, and the
default of the field is the default of the key. The metadata of the field has the rest:

    doc      one sentence; every key has it
    min max  the range of a number; every number has it
    choices the allowed values of a text table the same, where they are the names of a table above
    the section's package: ``TABLES`` secret the value is not printed

The name of a key ends in its unit: ``_ms _s _bytes _ratio``. A number without a unit is a count.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from amqp_server.broker.settings import BrokerSettings
from amqp_server.net.settings import NetSettings
from amqp_server.protocol.settings import ProtocolSettings
from amqp_server.protocols import PROTOCOLS
from amqp_server.stream_protocol.settings import StreamProtocolSettings
from cluster.settings import ClusterSettings, name_problem
from management.settings import ManagementSettings
from persistence.settings import PersistenceSettings
from queues.settings import QueuesSettings

UNITS: Final[Mapping[str, str]] = {
    "_ms": "milliseconds",
    "_us": "microseconds",
    "_s": "seconds",
    "_bytes": "bytes",
    "_bytes_max": "bytes",
    "_ratio": "share of 1",
}

TABLES: Final[Mapping[str, Collection[str]]] = {"protocols": PROTOCOLS}
"""Tables whose names a section's key takes, by the name that its ``table`` gives them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that is configured."""

    net: NetSettings = field(
        default=NetSettings(), metadata={"doc": "Where clients connect, and what it may cost."}
    )
    protocol: ProtocolSettings = field(
        default=ProtocolSettings(),
        metadata={"doc": "What is negotiated, and what one connection may hold."},
    )
    stream_protocol: StreamProtocolSettings = field(
        default=StreamProtocolSettings(),
        metadata={"doc": "The stream protocol: what is negotiated, and what one client may do."},
    )
    management: ManagementSettings = field(
        default=ManagementSettings(),
        metadata={"doc": "The HTTP API: where it listens, and what it may cost."},
    )
    broker: BrokerSettings = field(
        default=BrokerSettings(),
        metadata={"doc": "Who exists at first start, and the node's limits."},
    )
    queues: QueuesSettings = field(
        default=QueuesSettings(), metadata={"doc": "How much a queue does at a time."}
    )
    persistence: PersistenceSettings = field(
        default=PersistenceSettings(),
        metadata={"doc": "What a confirm promises, and how large files grow."},
    )
    cluster: ClusterSettings = field(
        default=ClusterSettings(),
        metadata={"doc": "Other nodes, with which this one is one broker."},
    )

    def inconsistencies(self) -> list[tuple[str, str]]:
        """Return errors that concern several sections: a key and the error."""
        return [*self._wrong_tls(), *self._wrong_node_of_cluster()]

    def _wrong_node_of_cluster(self) -> list[tuple[str, str]]:
        if not self.cluster.is_clustered:
            return []
        wrong = []
        node, default = self.broker.node_name, BrokerSettings().node_name
        if node == default:
            told = f"must be given in a cluster, and be another one on each node; got {default!r}"
            wrong.append(("broker.node_name", told))
        elif problem := name_problem(node):
            wrong.append(("broker.node_name", problem))
        if self.broker.data_dir is None:
            wrong.append(("broker.data_dir", "expected a folder, as the node is in a cluster"))
        return wrong

    def _wrong_tls(self) -> list[tuple[str, str]]:
        section = self.management
        wants_tls = {
            "listeners": [each.tls for each in section.listeners],
            "metrics_listeners": [each.tls for each in section.metrics_listeners],
        }
        return [
            (f"management.{key}[{index}].tls", "needs net.tls")
            for key, listeners in wants_tls.items()
            for index, is_tls in enumerate(listeners)
            if is_tls and self.net.tls is None
        ]


@dataclass(frozen=True, slots=True)
class Shape:
    """The values that a key takes.

    Attributes:
        base: int, float, bool, str, Path, or the dataclass of a nested section.
        choices: the allowed values of a text; empty allows any.
        is_list, is_map, is_optional: whether it holds many values, by index or by name, or may be
            null.
    """

    base: type
    choices: tuple[str, ...] = ()
    is_list: bool = False
    is_map: bool = False
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """One key as declared.

    Attributes:
        path: from the top: ``net.listeners[].port``.
        default: MISSING where the key must be given.
        minimum, maximum: of a number; None for other types.
    """

    path: str
    shape: Shape
    default: object
    doc: str
    minimum: float | None = None
    maximum: float | None = None
    is_secret: bool = False

    @property
    def unit(self) -> str:
        """The unit of a number; empty for a count and for other types."""
        if self.minimum is None:
            return ""
        return next((unit for ending, unit in UNITS.items() if self.path.endswith(ending)), "")


def keys_of(section: type, path: str = "") -> Iterator[Key]:
    """Yield the keys that a section declares, in order; nested sections are not entered."""
    hints = get_type_hints(section)
    for declared in fields(section):
        yield Key(
            path=f"{path}.{declared.name}" if path else declared.name,
            shape=_shape_of_key(hints[declared.name], declared),
            default=_default(declared),
            doc=declared.metadata["doc"],
            minimum=declared.metadata.get("min"),
            maximum=declared.metadata.get("max"),
            is_secret=declared.metadata.get("secret", False),
        )


def all_keys(section: type = Settings, path: str = "") -> Iterator[Key]:
    """Yield every key of a section and the sections in it, each section before its keys."""
    for key in keys_of(section, path):
        yield key
        if is_dataclass(key.shape.base):
            yield from all_keys(key.shape.base, f"{key.path}[]" if key.shape.is_list else key.path)


def shape_of(annotation: Any) -> Shape:  # noqa: ANN401 -- an annotation is anything
    """Return the shape that an annotation of a settings field describes."""
    if isinstance(annotation, UnionType):
        (inner,) = [part for part in get_args(annotation) if part is not NoneType]
        held = shape_of(inner)
        return Shape(held.base, held.choices, held.is_list, held.is_map, is_optional=True)
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return Shape(str, choices=parts)
    if origin is tuple:
        item = shape_of(parts[0])
        return Shape(item.base, item.choices, is_list=True)
    if origin is not None and issubclass(origin, Mapping):
        return Shape(str, is_map=True)
    assert annotation in {int, float, bool, str, Path} or is_dataclass(annotation), (
        f"{annotation} is no type that a settings file can hold"
    )
    return Shape(annotation)


def _shape_of_key(annotation: Any, declared: "Field[Any]") -> Shape:  # noqa: ANN401
    """Return the shape of a key; a table may give the allowed values of a text."""
    shape = shape_of(annotation)
    table = declared.metadata.get("table")
    words = shape.choices if table is None else tuple(TABLES[table])
    return replace(shape, choices=declared.metadata.get("choices", words))


def _default(declared: "Field[Any]") -> object:
    if declared.default_factory is not MISSING:
        return declared.default_factory()
    return declared.default
