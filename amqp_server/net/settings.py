"""The ``net`` section: where clients connect, and what the sockets may cost.

Each key is declared with its type, default, range and a sentence; ``settings.schema`` reads the
declaration, so that the file is checked and explained from here alone.
"""

from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, TypeAlias

from amqp_server.net.log_lines import LogForm

KIB = 1024
MIB = 1024 * KIB

LoginFrom: TypeAlias = Literal["distinguished_name", "common_name", "subject_alternative_name"]
TlsVersion: TypeAlias = Literal["tlsv1.2", "tlsv1.3"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerSettings:
    """One listening address."""

    address: str = field(
        default="127.0.0.1",
        metadata={
            "doc": "IPv4 or IPv6 address, or host name, to listen on; :: is all addresses of both."
        },
    )
    port: int = field(
        default=5672,
        metadata={"min": 0, "max": 65_535, "doc": "TCP port; 0 lets the system choose."},
    )
    protocol: str = field(
        default="amqp",
        metadata={"table": "protocols", "doc": "What clients speak here: amqp is AMQP 0-9-1."},
    )
    tls: bool = field(default=False, metadata={"doc": "Speak TLS here, with the files of net.tls."})
    proxy_protocol: bool = field(
        default=False,
        metadata={"doc": "Expect a PROXY v1 or v2 header from net.proxy_networks first."},
    )
    reuse_port: bool = field(
        default=False,
        metadata={
            "doc": "Let other programs of this user listen on the same port, of which each gets its"
            " share of the clients (SO_REUSEPORT)."
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """Certificates and what is asked of clients'."""

    certificate_file: Path = field(
        metadata={"doc": "PEM file: the server's certificate and the chain below its root."}
    )
    key_file: Path = field(metadata={"doc": "PEM file: the certificate's key, not encrypted."})
    ca_file: Path | None = field(
        default=None,
        metadata={"doc": "PEM file: the authorities that are trusted to sign client certificates."},
    )
    verify_peer: bool = field(
        default=False,
        metadata={"doc": "Ask for a client certificate, and refuse one ca_file does not back."},
    )
    require_peer_certificate: bool = field(
        default=False, metadata={"doc": "Refuse clients that present no certificate."}
    )
    login_from: LoginFrom = field(
        default="distinguished_name",
        metadata={"doc": "The name in a client's certificate that EXTERNAL logs in."},
    )
    versions: tuple[TlsVersion, ...] = field(
        default=("tlsv1.2", "tlsv1.3"), metadata={"doc": "TLS versions to accept."}
    )

    def inconsistencies(self) -> list[tuple[str, str]]:
        """Return errors that concern several keys: a key and the error."""
        wrong = []
        if self.verify_peer and self.ca_file is None:
            wrong.append(("verify_peer", "needs ca_file"))
        if self.require_peer_certificate and not self.verify_peer:
            wrong.append(("require_peer_certificate", "needs verify_peer"))
        if not self.versions:
            wrong.append(("versions", "expected at least one"))
        return wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class NetSettings:
    """Sockets."""

    listeners: tuple[ListenerSettings, ...] = field(
        default=(ListenerSettings(),), metadata={"doc": "Addresses that clients connect to."}
    )
    backlog: int = field(
        default=128,
        metadata={
            "min": 1,
            "max": 65_535,
            "doc": "Connections that wait in the kernel to be accepted, per listener.",
        },
    )
    connections_max: int = field(
        default=0,
        metadata={
            "min": 0,
            "max": 10_000_000,
            "doc": "Connections open at a time, over all listeners; 0 is no limit.",
        },
    )
    tls: TlsSettings | None = field(
        default=None, metadata={"doc": "Needed by listeners that speak TLS."}
    )
    proxy_networks: tuple[str, ...] = field(
        default=(),
        metadata={
            "doc": "Networks in CIDR notation whose PROXY headers are believed; none by default."
        },
    )
    write_high_watermark_bytes: int = field(
        default=MIB,
        metadata={
            "min": 64 * KIB,
            "max": 1024 * MIB,
            "doc": "Deliveries to a peer pause while more than this waits for it to read.",
        },
    )
    read_buffer_bytes: int = field(
        default=256 * KIB,
        metadata={
            "min": 16 * KIB,
            "max": 64 * MIB,
            "doc": "Most that one read takes from a socket; all sockets share the buffer.",
        },
    )
    turn_us: int = field(
        default=5_000,
        metadata={
            "min": 100,
            "max": 1_000_000,
            "doc": "How long one client's work may take before the others have their turn; the rest"
            " goes on later.",
        },
    )
    busy_poll_us: int = field(
        default=100,
        metadata={
            "min": 0,
            "max": 10_000,
            "doc": "Time after a turn in which the loop looks for more input before it sleeps:"
            " shorter round trips for some CPU. It stops while it does not pay; 0 is never.",
        },
    )
    shutdown_grace_ms: int = field(
        default=5_000,
        metadata={
            "min": 0,
            "max": 600_000,
            "doc": "Time that clients have for close-ok at shutdown before they are cut off.",
        },
    )
    log_lines_per_kind_max: int = field(
        default=1_000,
        metadata={
            "min": 0,
            "max": 1_000_000,
            "doc": "Warnings of one kind logged in 10 s; at level info ten times as many."
            " The rest is only counted; 0 is no limit.",
        },
    )
    log_form: LogForm = field(
        default="text",
        metadata={"doc": "A line of the log: text, or a JSON object for programs that read logs."},
    )

    def inconsistencies(self) -> list[tuple[str, str]]:
        """Return errors that concern several keys: a key and the error."""
        wrong = []
        for index, listener in enumerate(self.listeners):
            if listener.tls and self.tls is None:
                wrong.append((f"listeners[{index}].tls", "needs net.tls"))
            if listener.proxy_protocol and not self.proxy_networks:
                wrong.append((f"listeners[{index}].proxy_protocol", "needs net.proxy_networks"))
        if not self.listeners:
            wrong.append(("listeners", "expected at least one"))
        for index, network in enumerate(self.proxy_networks):
            try:
                ip_network(network)
            except ValueError as error:
                wrong.append((f"proxy_networks[{index}]", str(error)))
        return wrong
