"""The ``broker`` section: who exists at first start, and the node's limits.

Users, vhosts, policies and whatever else has a name are not settings: they come from the
definitions file and live in the broker.

Each key is declared with its type, default, range and a sentence; see ``settings.schema``.
"""

from dataclasses import dataclass, field
from pathlib import Path

from queues.kinds import DEFAULT_KIND, KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultPermissions:
    """What the default user may do in the default vhost: patterns searched in names."""

    configure: str = field(default=".*", metadata={"doc": "What it may declare and delete."})
    write: str = field(default=".*", metadata={"doc": "What it may publish and bind to."})
    read: str = field(default=".*", metadata={"doc": "What it may consume and bind from."})


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """The node."""

    default_user: str = field(
        default="guest",
        metadata={"doc": "Created at start where no definitions name a user; empty creates none."},
    )
    default_pass: str = field(
        default="guest",
        metadata={"secret": True, "doc": "The default user's password; empty is no login by it."},
    )
    default_vhost: str = field(default="/", metadata={"doc": "The vhost that always exists."})
    default_user_tags: tuple[str, ...] = field(
        default=("administrator",), metadata={"doc": "The default user's tags."}
    )
    default_permissions: DefaultPermissions = field(
        default=DefaultPermissions(),
        metadata={"doc": "The default user's rights in the default vhost."},
    )
    loopback_users: tuple[str, ...] = field(
        default=("guest",), metadata={"doc": "Users that may log in from this host only."}
    )
    refused_login_delay_max_ms: int = field(
        default=5_000,
        metadata={
            "min": 0,
            "max": 60_000,
            "doc": "Longest wait for the answer to wrong passwords, which doubles with each of an"
            " address or user after the third; right ones never wait. 0 is no wait.",
        },
    )
    load_definitions: Path | None = field(
        default=None,
        metadata={"doc": "JSON file, as RabbitMQ exports it, that is loaded at start."},
    )
    load_definitions_strict: bool = field(
        default=False,
        metadata={
            "doc": "Whether a start refuses definitions of which anything would be left out; the"
            " log names it either way."
        },
    )
    data_dir: Path | None = field(
        default=Path("haremq-data"),
        metadata={
            "doc": "Folder for what must survive a restart; null keeps everything in memory."
        },
    )
    cluster_name: str = field(
        default="", metadata={"doc": "Shown to clients; empty is the node's name."}
    )
    node_name: str = field(default="haremq@localhost", metadata={"doc": "Shown to clients."})
    event_exchange_vhost: str = field(
        default="",
        metadata={
            "doc": "Vhost in which amq.rabbitmq.event tells what comes and goes; empty is none."
        },
    )
    default_queue_type: str = field(
        default=DEFAULT_KIND.name,
        metadata={
            "choices": tuple(KINDS),
            "doc": "Type of durable, shared queues declared without x-queue-type.",
        },
    )
    queues_max: int = field(
        default=0,
        metadata={"min": 0, "max": 100_000_000, "doc": "Queues in all vhosts; 0 is no limit."},
    )
    vhosts_max: int = field(
        default=0, metadata={"min": 0, "max": 1_000_000, "doc": "Vhosts; 0 is no limit."}
    )
    memory_high_watermark_ratio: float = field(
        default=0.6,
        metadata={
            "min": 0.0,
            "max": 1.0,
            "doc": "Share of the memory (host's or cgroup's) above which publishers are blocked.",
        },
    )
    memory_high_watermark_bytes: int = field(
        default=0,
        metadata={
            "min": 0,
            "max": 1 << 50,
            "doc": "The same in bytes; 0 means that memory_high_watermark_ratio decides.",
        },
    )
    assembling_bytes_max: int = field(
        default=0,
        metadata={
            "min": 0,
            "max": 1 << 50,
            "doc": "Messages half received, of all connections. Near it the connection that holds"
            " most loses channels. 0 is 10 % of the memory watermark, or 5/4 of"
            " protocol.max_message_size_bytes where that is more.",
        },
    )
    tx_bytes_max: int = field(
        default=0,
        metadata={
            "min": 0,
            "max": 1 << 50,
            "doc": "Content of all open transactions. Near it the connection that holds most loses"
            " channels. 0 is 10 % of the memory watermark, or 5/4 of protocol.tx_bytes_max where"
            " that is more.",
        },
    )
    unacked_bytes_max: int = field(
        default=0,
        metadata={
            "min": 0,
            "max": 1 << 50,
            "doc": "Deliveries of all consumers that are not settled, in memory. From half of it"
            " on, consumers of a channel that holds 1/64 of it get one message at a time. Above"
            " it all consumers do. 0 is 30 % of the memory watermark.",
        },
    )
    consumer_arguments_bytes_max: int = field(
        default=0,
        metadata={
            "min": 0,
            "max": 1 << 50,
            "doc": "Arguments of all consumers of AMQP, as they are in memory. Near it the"
            " connection that holds most loses channels. 0 is 10 % of the memory watermark.",
        },
    )
    disk_free_limit_bytes: int = field(
        default=50_000_000,
        metadata={
            "min": 0,
            "max": 1 << 50,
            "doc": "Room on data_dir's disk below which publishers are blocked; 0 is no limit.",
        },
    )
    consumer_timeout_ms: int = field(
        default=1_800_000,
        metadata={
            "min": 0,
            "max": 315_360_000_000,
            "doc": "An unacked delivery older than this closes its channel; 0 is never.",
        },
    )
    consumer_tick_ms: int = field(
        default=60_000,
        metadata={
            "min": 10,
            "max": 3_600_000,
            "doc": "How often the age of unacked deliveries is checked.",
        },
    )
