"""The port of a cluster that is put to the test: what starts, kills, freezes and cuts its nodes."""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Protocol

from load_generator.session import Endpoint


class Ability(Enum):
    """What a cluster, and the machine it runs on, can have done to it.

    CUT: links between nodes are cut. STORE: it has a metadata store of its own, which can be
    killed, frozen and cut. LEASE: its nodes renew leases by a process that can be frozen alone.
    WIPE: a node comes back with an empty disk. SLOW_DISK, SLOW_LINK, LOSSY_LINK, CLOCK: disks,
    links and clocks can be made so.
    """

    CUT = "cut"
    STORE = "store"
    LEASE = "lease"
    WIPE = "wipe"
    SLOW_DISK = "slow disk"
    SLOW_LINK = "slow link"
    LOSSY_LINK = "lossy link"
    CLOCK = "clock"


class Cluster(Protocol):
    """Nodes and stores by their names. What is asked of one that is so already is no error."""

    @property
    def nodes(self) -> Sequence[str]:
        """The brokers."""

    @property
    def stores(self) -> Sequence[str]:
        """The members of the metadata store; none where it is none of its own."""

    @property
    def abilities(self) -> frozenset[Ability]:
        """What can be done to it here."""

    def endpoint(self, node: str) -> Endpoint:
        """Return where clients connect to a node."""

    def stream_endpoint(self, node: str) -> Endpoint | None:
        """Return where a node speaks the stream protocol; None: it does not."""

    def leader_of(self, queue: str) -> str | None:
        """Return the node that leads a queue; None: nobody, or nobody says."""

    def declare(self, queue: str, *, is_stream: bool = False) -> None:
        """Declare a queue of the kind that is to be tested, or a stream; wait until it is ready."""

    def kill(self, name: str) -> None:
        """End a node or store by SIGKILL."""

    def stop(self, name: str) -> None:
        """Let a node or store end in order, by SIGTERM; raises TimeoutError."""

    def start(self, name: str) -> None:
        """Start it on the data that it has, and do not wait."""

    def wait_until_ready(self, name: str, timeout_s: float) -> None:
        """Return once it serves; raises TimeoutError."""

    def freeze(self, name: str) -> None:
        """Stop it by SIGSTOP, with all its processes."""

    def freeze_lease(self, node: str) -> None:
        """Stop only the process that renews its lease."""

    def thaw(self, name: str) -> None:
        """Let all processes of it go on."""

    def cut(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Let nothing through from the first of each pair to the second, silently."""

    def lose(self, names: Iterable[str], percent: int) -> None:
        """Lose so many of the packets that these get from others of the cluster."""

    def limit(self, names: Iterable[str], kbit_per_s: int) -> None:
        """Let these say no more than that to others of the cluster."""

    def heal(self) -> None:
        """Undo ``cut``, ``lose`` and ``limit``."""

    def wipe(self, node: str) -> None:
        """Take its disk away; it is not running."""

    def slow_disk(self, node: str, delay_ms: int) -> None:
        """Let each sync of its disk take so much longer; 0 is no longer."""

    def shift_clock(self, node: str, shift_ms: int) -> None:
        """Let its wall clock jump; 0 is back."""
