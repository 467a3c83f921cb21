"""The ``management`` section: where the HTTP API listens, and what it may cost."""

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

MIB: Final = 1024 * 1024

RatesMode: TypeAlias = Literal["basic", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpListenerSettings:
    """One listening address of the HTTP API."""

    address: str = field(
        default="127.0.0.1",
        metadata={
            "doc": "IPv4 or IPv6 address, or host name, to listen on; :: is all addresses of both."
        },
    )
    port: int = field(
        default=15_672,
        metadata={"min": 0, "max": 65_535, "doc": "TCP port; 0 lets the system choose."},
    )
    tls: bool = field(default=False, metadata={"doc": "Speak TLS here, with the files of net.tls."})


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsListenerSettings:
    """One listening address of the metrics."""

    address: str = field(
        default="127.0.0.1",
        metadata={
            "doc": "IPv4 or IPv6 address, or host name, to listen on; :: is all addresses of both."
        },
    )
    port: int = field(
        default=15_692,
        metadata={"min": 0, "max": 65_535, "doc": "TCP port; 0 lets the system choose."},
    )
    tls: bool = field(default=False, metadata={"doc": "Speak TLS here, with the files of net.tls."})


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagementSettings:
    """The HTTP API."""

    listeners: tuple[HttpListenerSettings, ...] = field(
        default=(HttpListenerSettings(),),
        metadata={"doc": "Addresses of the HTTP API; an empty list turns management off."},
    )
    metrics_listeners: tuple[MetricsListenerSettings, ...] = field(
        default=(MetricsListenerSettings(),),
        metadata={"doc": "Addresses where Prometheus asks for metrics; an empty list has none."},
    )
    metrics_login: bool = field(
        default=False,
        metadata={"doc": "Only users with the tag monitoring or administrator get metrics."},
    )
    control_socket: str = field(
        default="control.sock",
        metadata={
            "doc": "Unix socket of the command line, in data_dir unless the path is absolute; who"
            " runs as this user or root needs no password there. Empty is none."
        },
    )
    path_prefix: str = field(
        default="",
        metadata={"doc": "In front of every path, such as /broker behind a proxy; empty is none."},
    )
    connections_max: int = field(
        default=500,
        metadata={
            "min": 1,
            "max": 100_000,
            "doc": "HTTP connections open at a time; later ones wait in the kernel.",
        },
    )
    requests_max: int = field(
        default=32,
        metadata={
            "min": 1,
            "max": 10_000,
            "doc": "Requests that are worked on at a time; as many wait, further ones get 503."
            " Besides, half as many exports of messages are sent at a time.",
        },
    )
    body_bytes_max: int = field(
        default=20_000_000,
        metadata={
            "min": 1024,
            "max": 1024 * MIB,
            "doc": "Largest body of a request; a larger one gets 400.",
        },
    )
    request_timeout_s: int = field(
        default=30,
        metadata={
            "min": 1,
            "max": 3_600,
            "doc": "Longest time for the answer of a request; the request then gets 503.",
        },
    )
    session_timeout_s: int = field(
        default=28_800,
        metadata={
            "min": 60,
            "max": 2_592_000,
            "doc": "How long a browser stays logged in without a request.",
        },
    )
    sessions_max: int = field(
        default=1_000,
        metadata={
            "min": 1,
            "max": 1_000_000,
            "doc": "Browsers logged in at a time; the one idle for longest is logged out.",
        },
    )
    cors_allow_origins: tuple[str, ...] = field(
        default=(),
        metadata={"doc": 'Origins whose pages may call the HTTP API; "*" is every one.'},
    )
    cors_max_age_s: int = field(
        default=1_800,
        metadata={
            "min": 0,
            "max": 86_400,
            "doc": "How long a browser may keep the answer to a preflight request.",
        },
    )
    rates_mode: RatesMode = field(
        default="basic",
        metadata={
            "doc": "With basic, counters are looked at each 5 s; with none, there are no rates."
        },
    )
    rabbitmq_version: str = field(
        default="3.13.7",
        metadata={"doc": "Version of RabbitMQ that clients are told; they branch on it."},
    )
    cluster_name: str = field(
        default="",
        metadata={"doc": "Name of the cluster until one is set; empty is the name of the node."},
    )

    def inconsistencies(self) -> list[tuple[str, str]]:
        """Return errors that concern several keys, or the form of one: a key and the error."""
        wrong = []
        prefix = self.path_prefix
        if prefix and (not prefix.startswith("/") or prefix.endswith("/")):
            wrong.append(("path_prefix", "expected a slash in front, and none at the end"))
        numbers = self.rabbitmq_version.split(".")
        if len(numbers) != 3 or not all(number.isdigit() for number in numbers):  # noqa: PLR2004
            wrong.append(("rabbitmq_version", "expected three numbers, such as 3.13.7"))
        return wrong
