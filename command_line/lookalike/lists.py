"""Lists of ``rabbitmqctl``: queues, exchanges, bindings, connections, channels, consumers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from command_line.api import Thing, path_of
from command_line.errors import RefusedError
from command_line.lookalike.results import Result, Rows
from command_line.lookalike.terms import Term, arguments, atoms
from command_line.lookalike.words import FLAG, Call, Command, known_columns
from command_line.table import value_at

NOT_FOUND: Final = 404
Value = Callable[[Thing, Call], object]

_QUEUE_FIELDS: Final = [
    "name",
    "durable",
    "auto_delete",
    "policy",
    "exclusive",
    "exclusive_consumer_tag",
    "messages_ready",
    "messages_unacknowledged",
    "messages",
    "messages_ready_ram",
    "messages_unacknowledged_ram",
    "messages_ram",
    "messages_persistent",
    "message_bytes",
    "message_bytes_ready",
    "message_bytes_unacknowledged",
    "message_bytes_ram",
    "message_bytes_persistent",
    "head_message_timestamp",
    "disk_reads",
    "disk_writes",
    "consumers",
    "consumer_utilisation",
    "consumer_capacity",
    "memory",
    "state",
    "type",
    "leader",
    "single_active_consumer_tag",
    "operator_policy",
]
_CONNECTION_FIELDS: Final = [
    "name",
    "port",
    "host",
    "peer_port",
    "ssl",
    "ssl_protocol",
    "ssl_key_exchange",
    "ssl_cipher",
    "ssl_hash",
    "peer_cert_subject",
    "peer_cert_issuer",
    "peer_cert_validity",
    "state",
    "channels",
    "auth_mechanism",
    "user",
    "vhost",
    "timeout",
    "frame_max",
    "channel_max",
    "recv_oct",
    "recv_cnt",
    "send_oct",
    "send_cnt",
    "send_pend",
    "connected_at",
]
_CHANNEL_FIELDS: Final = [
    "name",
    "number",
    "user",
    "vhost",
    "transactional",
    "confirm",
    "consumer_count",
    "messages_unacknowledged",
    "messages_uncommitted",
    "acks_uncommitted",
    "messages_unconfirmed",
    "prefetch_count",
    "global_prefetch_count",
]
_EXCHANGE_FIELDS: Final = ["name", "type", "durable", "auto_delete", "internal", "policy"]


def _fields(names: Sequence[str]) -> dict[str, Value]:
    return {name: _field(name) for name in names}


def _field(path: str) -> Value:
    return lambda row, _call: value_at(row, path)


def _arguments(row: Thing, _call: Call) -> object:
    return arguments(row.get("arguments"))


def _host(row: Thing, _call: Call) -> object:
    host = str(row.get("peer_host", ""))
    numbers = host.split(".")
    if len(numbers) == 4 and all(map(str.isdigit, numbers)):  # noqa: PLR2004 -- of IPv4
        return Term(host, [int(each) for each in numbers])
    return host


def _protocol(row: Thing, _call: Call) -> object:
    text = str(row.get("protocol", ""))
    if text == "AMQP 0-9-1":
        return Term("{0,9,1}", [0, 9, 1])
    return text


def pid_of(connection: str, node: str) -> str:
    """Return what stands for the process of a connection: its name as one word."""
    return f"<{node}.{connection.replace(' -> ', '-')}>"


def _connection_pid(row: Thing, call: Call) -> object:
    return pid_of(str(row.get("name", "")), call.node)


def _consumer_channel(row: Thing, call: Call) -> object:
    return pid_of(str(value_at(row, "channel_details.name") or ""), call.node)


def _names(field: str) -> Value:
    return lambda row, _call: atoms([str(each) for each in row.get(field) or []])


def _mirrors(field: str) -> Value:
    """Return names of nodes, and nothing for a queue that is not mirrored."""
    named = _names(field)
    return lambda row, call: named(row, call) if field in row else ""


def _source(row: Thing, _call: Call) -> object:
    return row.get("source", "")


QUEUES: Final[Mapping[str, Value]] = {
    **_fields(_QUEUE_FIELDS),
    "arguments": _arguments,
    "pid": lambda row, call: f"<{call.node}.{row.get('name', '')}>",
    "owner_pid": _field("owner_pid_details.name"),
    "members": _names("members"),
    "online": _names("online"),
    "slave_pids": _mirrors("slave_nodes"),
    "synchronised_slave_pids": _mirrors("synchronised_slave_nodes"),
    "effective_policy_definition": lambda row, _call: arguments(
        row.get("effective_policy_definition") or {}
    ),
}
EXCHANGES: Final[Mapping[str, Value]] = {**_fields(_EXCHANGE_FIELDS), "arguments": _arguments}
BINDINGS: Final[Mapping[str, Value]] = {
    "source_name": _source,
    "source_kind": lambda _row, _call: "exchange",
    "destination_name": _field("destination"),
    "destination_kind": _field("destination_type"),
    "routing_key": _field("routing_key"),
    "arguments": _arguments,
}
CONNECTIONS: Final[Mapping[str, Value]] = {
    **_fields(_CONNECTION_FIELDS),
    "pid": _connection_pid,
    "peer_host": _host,
    "protocol": _protocol,
    "client_properties": lambda row, _call: arguments(row.get("client_properties")),
}
CHANNELS: Final[Mapping[str, Value]] = {
    **_fields(_CHANNEL_FIELDS),
    "pid": _connection_pid,
    "connection": _field("connection_details.name"),
}
CONSUMERS: Final[Mapping[str, Value]] = {
    "queue_name": _field("queue.name"),
    "channel_pid": _consumer_channel,
    "consumer_tag": _field("consumer_tag"),
    "ack_required": _field("ack_required"),
    "prefetch_count": _field("prefetch_count"),
    "active": _field("active"),
    "activity_status": _field("activity_status"),
    "arguments": _arguments,
}


def shown(
    call: Call, known: Mapping[str, Value], names: Sequence[str], rows: Sequence[Thing]
) -> Rows:
    """Return the columns of things."""
    return Rows(names, [{name: known[name](row, call) for name in names} for row in rows])


def _listing(
    place: str, known: Mapping[str, Value], usual: str, *, of_vhost: bool = True
) -> Callable[[Call], Result]:
    def run(call: Call) -> Result:
        names = call.columns(*usual.split())
        path = path_of(place, call.vhost) if of_vhost else path_of(place)
        return shown(
            call, known, names, _of_vhost(call, path) if of_vhost else call.api.things(path)
        )

    return run


def _of_vhost(call: Call, path: str) -> list[Thing]:
    """Return the things of a vhost; one that is not there has none."""
    try:
        return call.api.things(path)
    except RefusedError as error:
        if error.http_status == NOT_FOUND:
            return []
        raise


_list_queues = _listing("queues", QUEUES, "name messages")


def list_queues(call: Call) -> Result:
    """List queues; all of one node are online and local."""
    if call.has("offline"):
        return Rows(call.columns("name", "messages"), [])
    return _list_queues(call)


def unresponsive(call: Call) -> Result:
    """List the queues that do not answer: none."""
    return Rows(call.columns("name"), [])


_WHERE: Final = {"--online": FLAG, "--offline": FLAG, "--local": FLAG}

COMMANDS: Final[Mapping[str, Command]] = {
    "list_queues": Command(
        list_queues,
        "Timeout: 60.0 seconds ...\nListing queues for vhost {call.vhost} ...",
        most=None,
        check=known_columns(QUEUES),
        options=_WHERE,
    ),
    "list_unresponsive_queues": Command(
        unresponsive,
        "Listing unresponsive queues for vhost {call.vhost} ...",
        most=None,
        check=known_columns(QUEUES),
        options=_WHERE,
    ),
    "list_exchanges": Command(
        _listing("exchanges", EXCHANGES, "name type"),
        "Listing exchanges for vhost {call.vhost} ...",
        most=None,
        check=known_columns(EXCHANGES),
    ),
    "list_bindings": Command(
        _listing("bindings", BINDINGS, " ".join(BINDINGS)),
        "Listing bindings for vhost {call.vhost}...",
        most=None,
        check=known_columns(BINDINGS),
    ),
    "list_connections": Command(
        _listing("connections", CONNECTIONS, "user peer_host peer_port state", of_vhost=False),
        "Listing connections ...",
        most=None,
        check=known_columns(CONNECTIONS),
    ),
    "list_channels": Command(
        _listing(
            "channels", CHANNELS, "pid user consumer_count messages_unacknowledged", of_vhost=False
        ),
        "Listing channels ...",
        most=None,
        check=known_columns(CHANNELS),
    ),
    "list_consumers": Command(
        _listing(
            "consumers",
            CONSUMERS,
            "queue_name channel_pid consumer_tag ack_required prefetch_count active arguments",
        ),
        "Listing consumers in vhost {call.vhost} ...",
        most=None,
        check=known_columns(CONSUMERS),
    ),
}
