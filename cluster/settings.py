"""The ``cluster`` section: the store that nodes agree by, how they reach each other, and replicas.

A node without endpoints of etcd is alone, and the rest of the section means nothing. Each key is
declared with its type, default, range and a sentence; see ``settings.schema``.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cluster.placement.asking import REPLICAS_COUNT, REPLICAS_MAX

UNIX_PREFIX: Final = "unix:"
"""Begins an address that is the path of a Unix socket."""
UNIX_PATH_BYTES_MAX: Final = 107
"""What Linux takes as the path of a Unix socket (``sockaddr_un``)."""
NAME_BYTES_MAX: Final = 200
"""A name is in each link's hello and in each key of the store."""
ANY_HOSTS: Final = frozenset({"", "*", "0.0.0.0", "::"})  # noqa: S104 - they are refused
PORT_MAX: Final = 65_535

ADDRESS: Final = "host:port, or unix: and a path"


@dataclass(frozen=True, slots=True, kw_only=True)
class EtcdSettings:
    """Where etcd is, and how to log in."""

    endpoints: tuple[str, ...] = field(
        default=(),
        metadata={
            "doc": "URLs of etcd's members, such as http://10.0.0.1:2379; none is a node that is"
            " alone."
        },
    )
    user: str = field(
        default="", metadata={"doc": "Who logs in to etcd; empty where it asks for no login."}
    )
    password_file: Path | None = field(
        default=None, metadata={"doc": "File whose first line is the user's password."}
    )
    ca_file: Path | None = field(
        default=None,
        metadata={
            "doc": "PEM file: who signs etcd's certificates; null is whom the system trusts."
        },
    )
    certificate_file: Path | None = field(
        default=None, metadata={"doc": "PEM file: the certificate that is shown to etcd."}
    )
    key_file: Path | None = field(
        default=None, metadata={"doc": "PEM file: that certificate's key, not encrypted."}
    )
    connect_ms: int = field(
        default=2_000,
        metadata={"min": 100, "max": 60_000, "doc": "How long a connection to etcd may take."},
    )
    answer_ms: int = field(
        default=5_000,
        metadata={"min": 100, "max": 60_000, "doc": "How long an answer of etcd may take."},
    )

    def inconsistencies(self) -> list[tuple[str, str]]:
        """Return errors of values, and those that concern several keys: a key and the error."""
        wrong = [
            (f"endpoints[{index}]", problem)
            for index, url in enumerate(self.endpoints)
            if (problem := _url_problem(url))
        ]
        files = (self.ca_file, self.certificate_file, self.key_file)
        is_plain = any(url.startswith("http:") for url in self.endpoints)
        if is_plain and any(files):
            wrong.append(("endpoints", "expected https:// with TLS files, got http://"))
        if (self.certificate_file is None) != (self.key_file is None):
            key = "key_file" if self.key_file is None else "certificate_file"
            wrong.append((key, "must be given: certificate_file and key_file belong together"))
        if self.password_file is not None and not self.user:
            wrong.append(("user", "must be given where password_file is"))
        if self.user and self.password_file is None:
            wrong.append(("password_file", "must be given where user is"))
        return wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTlsSettings:
    """Certificates of links. Both ends show one, and both must be signed by ca_file."""

    certificate_file: Path = field(
        metadata={"doc": "PEM file: this node's certificate, for servers and for clients."}
    )
    key_file: Path = field(metadata={"doc": "PEM file: its key, not encrypted."})
    ca_file: Path = field(metadata={"doc": "PEM file: who signs the certificates of all nodes."})
    names_nodes: bool = field(
        default=True,
        metadata={
            "doc": "Whether a certificate must name its node: a DNS name, or else the common name,"
            " that is the broker.node_name. Needed where there is no secret_file."
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LinksSettings:
    """How this node and the others reach each other."""

    listen: str = field(
        default="",
        metadata={
            "doc": f"Where links of other nodes are accepted: {ADDRESS}. A cluster needs it."
        },
    )
    advertise: str = field(
        default="",
        metadata={"doc": "Where others reach this node, if not at listen; of the same form."},
    )
    tls: LinkTlsSettings | None = field(
        default=None,
        metadata={
            "doc": "Encrypts links over TCP; without, they belong into a network of their own."
        },
    )

    def inconsistencies(self) -> list[tuple[str, str]]:
        """Return errors of values, and those that concern several keys: a key and the error."""
        wrong = []
        listen, advertise = self.listen, self.advertise
        if listen and (problem := address_problem(listen)):
            wrong.append(("listen", problem))
        if advertise and (problem := address_problem(advertise)):
            wrong.append(("advertise", problem))
        if wrong:
            return wrong
        reached = advertise or listen
        if reached and not is_unix(reached):
            host, port = host_and_port(reached)
            if host in ANY_HOSTS:
                told = f"expected an address that others can connect to, got {reached!r}"
                wrong.append(("advertise", told + ("" if advertise else " of listen")))
            if port == 0:
                wrong.append(("advertise", "expected a port, got 0 of listen"))
        if self.tls is not None and listen and is_unix(listen):
            wrong.append(("tls", "is of links over TCP; a Unix socket needs none"))
        return wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationSettings:
    """How many replicas queues have that do not say it themselves."""

    replicas: int = field(
        default=REPLICAS_COUNT,
        metadata={
            "min": 1,
            "max": REPLICAS_MAX,
            "doc": "Replicas of quorum queues and streams, and of the policy below.",
        },
    )
    default_policy: bool = field(
        default=True,
        metadata={
            "doc": "Whether the first node of a cluster makes a policy that mirrors durable queues"
            " so often. It may be changed or deleted like any other, and does not come back."
        },
    )
    min_isr: int = field(
        default=0,
        metadata={
            "min": 0,
            "max": REPLICAS_MAX,
            "doc": "Replicas in sync that a confirm needs; 0 is half of them, rounded up: 1 of 2,"
            " 2 of 3, 3 of 5.",
        },
    )
    replace_after_s: int = field(
        default=0,
        metadata={
            "min": 0,
            "max": 30 * 86_400,
            "doc": "A node that is away for so long has its replicas made on others, if it was not"
            " drained; 0 is never: only nodes that were taken out (`haremq nodes forget`).",
        },
    )

    def inconsistencies(self) -> list[tuple[str, str]]:
        """Return errors that concern several keys: a key and the error."""
        if self.min_isr > self.replicas:
            told = f"expected {self.replicas} or less, as there are replicas, got {self.min_isr}"
            return [("min_isr", told)]
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """A cluster, and this node in it."""

    name: str = field(
        default="haremq",
        metadata={"doc": "Of the cluster, alike on all nodes; several may share an etcd."},
    )
    etcd: EtcdSettings = field(
        default=EtcdSettings(), metadata={"doc": "The metadata store of the cluster."}
    )
    secret_file: Path | None = field(
        default=None,
        metadata={
            "doc": "File whose first line all nodes share, by which they believe each other: 16"
            " characters or more."
        },
    )
    links: LinksSettings = field(
        default=LinksSettings(), metadata={"doc": "Connections between the nodes."}
    )
    zone: str = field(
        default="",
        metadata={"doc": "Where the node stands, such as a rack; replicas are spread over zones."},
    )
    lease_ttl_ms: int = field(
        default=3_000,
        metadata={
            "min": 2_000,
            "max": 60_000,
            "doc": "A node that is silent for so long leads no more. Shorter is a faster failover,"
            " longer bears longer pauses.",
        },
    )
    held_publishes_ms: int = field(
        default=30_000,
        metadata={
            "min": 0,
            "max": 3_600_000,
            "doc": "How long publishes wait for a queue's leader, or for enough replicas in sync,"
            " before they are nacked.",
        },
    )
    pause_minority: bool = field(
        default=False,
        metadata={
            "doc": "Whether a node that hears half of the members or fewer, itself among them, ends"
            " the connections of clients (320) and accepts none. Not for two nodes."
        },
    )
    replication: ReplicationSettings = field(
        default=ReplicationSettings(), metadata={"doc": "Replicas of queues."}
    )

    @property
    def is_clustered(self) -> bool:
        """Whether there is a cluster: etcd has an endpoint."""
        return bool(self.etcd.endpoints)

    def inconsistencies(self) -> list[tuple[str, str]]:
        """Return errors that concern several keys: a key and the error."""
        if not self.is_clustered:
            return []
        wrong = []
        if problem := name_problem(self.name):
            wrong.append(("name", problem))
        if not self.links.listen:
            wrong.append(("links.listen", f"must be given in a cluster: {ADDRESS}"))
        tls = self.links.tls
        if self.secret_file is None and not (tls is not None and tls.names_nodes):
            wrong.append(
                ("secret_file", "must be given, unless links.tls has certificates that name nodes")
            )
        return wrong


def name_problem(name: str) -> str:
    """Return what is wrong with the name of a cluster or node; empty if nothing is."""
    octets_count = len(name.encode("utf-8", "surrogateescape"))
    if not 0 < octets_count <= NAME_BYTES_MAX:
        return f"expected a name of 1 to {NAME_BYTES_MAX} octets, got {octets_count}"
    if not name.isprintable() or " " in name:
        return f"expected a name without spaces and control characters, got {name!r}"
    return ""


def is_unix(address: str) -> bool:
    """Return whether an address is the path of a Unix socket."""
    return address.startswith(UNIX_PREFIX)


def host_and_port(address: str) -> tuple[str, int]:
    """Return host and port of a TCP address without a problem; IPv6 without its brackets."""
    host, _, port = address.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def address_problem(address: str) -> str:
    """Return what is wrong with an address of links; empty if nothing is."""
    if is_unix(address):
        path = address.removeprefix(UNIX_PREFIX)
        octets_count = len(path.encode("utf-8", "surrogateescape"))
        if not 0 < octets_count <= UNIX_PATH_BYTES_MAX or "\0" in path:
            told = f"expected a path of 1 to {UNIX_PATH_BYTES_MAX} octets behind {UNIX_PREFIX}"
            return f"{told}, got {octets_count}"
        return ""
    host, _, port = address.rpartition(":")
    is_number = port.isascii() and port.isdigit() and int(port) <= PORT_MAX
    is_bracketed = host.startswith("[") and host.endswith("]")
    if not is_number or not host or (":" in host and not is_bracketed):
        return f"expected {ADDRESS}, got {address!r}"
    return ""


def _url_problem(url: str) -> str:
    shown = "something with a login" if "@" in url else repr(url)
    told = f"expected a URL such as http://10.0.0.1:2379, got {shown}"
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in {"http", "https"} and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        return told
    if not is_whole:
        return told
    if parts.username is not None or parts.password is not None:
        return "expected a URL without a login: user and password_file are for that"
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        return f"expected a URL without a path, got {url!r}"
    return ""
