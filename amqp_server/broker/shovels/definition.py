"""A dynamic shovel, as the parameter that defines it.

Source: RabbitMQ 3.10, rabbit_shovel_parameters: names, defaults, and the texts of its validation;
``src-predeclared`` and ``dest-predeclared`` are of later versions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, cast

from amqp_server.broker.arguments.rules import SHORTSTR_MAX_BYTES
from amqp_server.broker.definitions.item import DefinitionsError, typed_table
from amqp_server.broker.errors import BrokerError, PreconditionFailedError
from amqp_server.broker.messages.written import written_message
from amqp_server.broker.shovels.uris import UriError, amqp_uri
from amqp_server.wire.properties import split
from amqp_server.wire.tables import Table
from exchanges.erlang_terms import erlang_term

COMPONENT: Final = "shovel"
SETTLING_MODES: Final = ("no-ack", "on-publish", "on-confirm")
QUEUE_LENGTH: Final = "queue-length"
PREFETCH: Final = 1000
PREFETCH_MAX: Final = 65_535
RECONNECT_DELAY_S: Final = 5.0
DELAY_MAX_S: Final = 86_400.0

_LAST_WORD: Final = "actually was"


@dataclass(frozen=True, slots=True)
class End:
    """One end of a shovel.

    Attributes:
        uris: where to connect to; the first that answers.
        queue: None where there is an exchange, or neither.
        exchange: None where there is a queue, or neither.
        exchange_key: None is none, or that of each message.
        queue_arguments: of the queue, if it must be declared.
        is_predeclared: nothing is declared.
    """

    uris: tuple[str, ...]
    queue: str | None
    exchange: str | None
    exchange_key: str | None
    queue_arguments: Table = field(default_factory=dict)
    is_predeclared: bool = False


@dataclass(frozen=True, slots=True)
class Shovel:
    """A shovel.

    Attributes:
        settling_mode: of ``SETTLING_MODES``.
        delete_after: messages to move before it is deleted; ``queue-length`` is as many as are
            there when it starts; None is without an end.
        reconnect_delay_s: 0 never connects again.
        properties: of the messages at the destination, in place of their own: name and octets.
    """

    vhost: str
    name: str
    source: End
    destination: End
    settling_mode: str = "on-confirm"
    prefetch: int = PREFETCH
    delete_after: int | str | None = None
    reconnect_delay_s: float = RECONNECT_DELAY_S
    consumer_arguments: Table = field(default_factory=dict)
    properties: Mapping[str, bytes] = field(default_factory=dict)
    has_forward_headers: bool = False
    has_timestamp_header: bool = False


def read_shovel(vhost: str, name: str, value: object) -> Shovel:
    """Return the shovel that a parameter defines.

    Raises:
        PreconditionFailedError: it is not valid; one line for each fault.
    """
    if value == []:
        value = {}
    if not isinstance(value, Mapping):
        raise PreconditionFailedError(f"{name}: the value of a shovel is an object")
    reader = _Reader(name, cast("Mapping[str, Any]", value))
    shovel = reader.shovel(vhost)
    if reader.faults or shovel is None:
        raise PreconditionFailedError("\n".join(reader.faults))
    return shovel


def local_vhosts(value: object) -> frozenset[str]:
    """Return the vhosts of this node that a shovel or an upstream would connect to.

    Args:
        value: of its parameter.
    """
    found = set()
    for key in ("src-uri", "dest-uri", "uri"):
        given = value.get(key) if isinstance(value, Mapping) else None
        for text in given if isinstance(given, list) else [given]:
            try:
                uri = amqp_uri(text) if isinstance(text, str) else None
            except UriError:
                continue
            if uri is not None and not uri.host:
                found.add(uri.vhost)
    return frozenset(found)


class _Reader:
    """Reads the keys of one shovel, and gathers what is wrong."""

    def __init__(self, name: str, value: Mapping[str, Any]) -> None:
        self._name = name
        self._value = value
        self._known = {"internal", "src-delete-after-duration"}
        self.faults: list[str] = []

    def shovel(self, vhost: str) -> Shovel | None:
        for key in ("src-protocol", "dest-protocol"):
            if self._get(key, "amqp091") != "amqp091":
                self.faults.append(f"{key}: only amqp091 is there")
        settling_mode = self._settling_mode()
        delay_s = self._number("reconnect-delay", default=RECONNECT_DELAY_S)
        delete_after = self._delete_after(settling_mode)
        destination, source = self._end("dest"), self._end("src")
        shovel = Shovel(
            vhost,
            self._name,
            source,
            destination,
            settling_mode,
            int(self._number("src-prefetch-count", "prefetch-count", default=PREFETCH)),
            delete_after,
            min(max(delay_s, 0.0), DELAY_MAX_S),
            self._table("src-consumer-args"),
            self._properties("dest-publish-properties", "publish-properties"),
            has_forward_headers=self._truth("dest-add-forward-headers", "add-forward-headers"),
            has_timestamp_header=self._truth("dest-add-timestamp-header", "add-timestamp-header"),
        )
        if not 0 <= shovel.prefetch <= PREFETCH_MAX:
            self.faults.append(f"src-prefetch-count: from 0 to {PREFETCH_MAX}")
        unknown = [(key, each) for key, each in self._value.items() if key not in self._known]
        if unknown:
            shown = ",".join(f"{{{erlang_term(key)},{_term(each)}}}" for key, each in unknown)
            self.faults.append(f"Unrecognised terms [{shown}] in {self._name}")
        return shovel

    def _end(self, end: str) -> End:
        queue, exchange = self._text(f"{end}-queue"), self._text(f"{end}-exchange")
        if queue is not None and exchange is not None:
            self.faults.append(f"Cannot specify '{end}-exchange' and '{end}-queue'")
        if end == "src" and not self._value.keys() & {"src-queue", "src-exchange"}:
            self.faults.insert(0, "Must specify 'src-exchange' or 'src-queue'")
        return End(
            self._uris(f"{end}-uri"),
            queue,
            exchange,
            self._text(f"{end}-exchange-key"),
            self._table(f"{end}-queue-args"),
            self._truth(f"{end}-predeclared"),
        )

    def _get(self, *keys_and_default: Any) -> Any:  # noqa: ANN401 - a value of JSON
        *keys, default = keys_and_default
        self._known.update(keys)
        for key in keys:
            if key in self._value:
                return self._value[key]
        return default

    def _uris(self, key: str) -> tuple[str, ...]:
        given = self._get(key, None)
        if given is None:
            self.faults.append(f'Key "{key}" not found in {self._name}')
            return ()
        uris = [given] if isinstance(given, str) else given
        if not isinstance(uris, list):
            self.faults.append(f"{key} should be list, {_LAST_WORD} {_term(given)}")
            return ()
        for uri in uris:
            if not isinstance(uri, str):
                self.faults.append(f"{key} should be list, {_LAST_WORD} {_term(uri)}")
                return ()
            try:
                amqp_uri(uri)
            except UriError as error:
                self.faults.append(str(error))
                return ()
        if not uris:
            self.faults.append(f"{key}: names no URI")
        return tuple(uris)

    def _text(self, key: str) -> str | None:
        given = self._get(key, None)
        if key in self._value and not isinstance(given, str):
            self.faults.append(f"{key} should be binary, {_LAST_WORD} {_term(given)}")
            return None
        if given is not None and len(given.encode("utf-8", "replace")) > SHORTSTR_MAX_BYTES:
            self.faults.append(f"{key}: is longer than {SHORTSTR_MAX_BYTES} octets")
        return cast("str | None", given)

    def _number(self, *keys: str, default: float) -> float:
        given = self._get(*keys, default)
        if isinstance(given, bool) or not isinstance(given, int | float):
            key = next(key for key in keys if key in self._value)
            self.faults.append(f"{key} should be a number, {_LAST_WORD} {_term(given)}")
            return default
        return given

    def _truth(self, *keys: str) -> bool:
        given = self._get(*keys, False)  # noqa: FBT003
        if not isinstance(given, bool):
            key = next(key for key in keys if key in self._value)
            self.faults.append(f"{key} should be boolean, {_LAST_WORD} {_term(given)}")
        return given is True

    def _settling_mode(self) -> str:
        given = self._get("ack-mode", "on-confirm")
        if given not in SETTLING_MODES:
            modes = ",".join(erlang_term(mode) for mode in SETTLING_MODES)
            self.faults.append(f"ack-mode should be one of [{modes}], {_LAST_WORD} {_term(given)}")
        return str(given)

    def _delete_after(self, settling_mode: str) -> int | str | None:
        given = self._get("src-delete-after", "delete-after", "never")
        is_number = isinstance(given, int) and not isinstance(given, bool)
        if given == "never":
            return None
        if given != QUEUE_LENGTH and not (is_number and given >= 0):
            key = "src-delete-after" if "src-delete-after" in self._value else "delete-after"
            self.faults.append(
                f'{key} should be a number greater than or equal to 0, "never" or '
                f'"{QUEUE_LENGTH}", {_LAST_WORD} {_term(given)}'
            )
        if is_number and settling_mode == "no-ack":
            self.faults.append("Cannot specify 'no-ack' and numerical 'delete-after'")
        return cast("int | str", given)

    def _table(self, key: str) -> Table:
        given = self._get(key, {})
        if not isinstance(given, Mapping):
            self.faults.append(f"{key} not a list {_term(given)}")
            return {}
        return cast("Table", self._checked(key, lambda: typed_table(given, key), {}))

    def _properties(self, *keys: str) -> Mapping[str, bytes]:
        given = self._get(*keys, {})
        key = next((key for key in keys if key in self._value), keys[0])
        if not isinstance(given, Mapping):
            self.faults.append(f"{key} not a list {_term(given)}")
            return {}
        unknown = [name for name in given if name not in _PROPERTY_NAMES]
        if unknown:
            shown = ",".join(f"{{{erlang_term(name)},{_term(given[name])}}}" for name in unknown)
            self.faults.append(f"Unrecognised terms [{shown}] in {key}")
            return {}
        read = partial(_written_properties, given)
        return cast("Mapping[str, bytes]", self._checked(key, read, {}))

    def _checked(self, key: str, read: Callable[[], Any], default: Any) -> Any:  # noqa: ANN401
        try:
            return read()
        except (BrokerError, DefinitionsError) as error:
            self.faults.append(f"{key}: {error}")
            return default


_PROPERTY_NAMES: Final = frozenset(
    (
        "content_type",
        "content_encoding",
        "headers",
        "delivery_mode",
        "priority",
        "correlation_id",
        "reply_to",
        "expiration",
        "message_id",
        "timestamp",
        "type",
        "user_id",
        "app_id",
        "cluster_id",
    )
)


def _written_properties(given: Mapping[str, object]) -> Mapping[str, bytes]:
    return split(written_message("", "", given, b"").header).raw


def _term(value: object) -> str:
    if isinstance(value, Mapping | list):
        return "#{}" if isinstance(value, Mapping) else "[]"
    return "null" if value is None else erlang_term(value)
