"""The virtual metadata store: linearizable, with leases, and an old copy that may come back."""

import copy
from dataclasses import dataclass, field

from cluster.replication.ready import StateTransaction
from cluster.replication.state import LiveNode, QueueOptions, QueueState, ReplicaId
from tests.simulation.violation import ViolationError

TTL = 4
"""Ticks that a lease lives after its last renewal."""
MARGIN = 1
"""The holder stops relying on it that much earlier."""

RequestId = tuple[object, ...]
Stored = tuple[QueueState, int, QueueOptions]
"""A queue's state, its revision, and how it is replicated: one value, read at one moment."""


@dataclass(slots=True)
class Request:
    """A transaction on its way: ``applied`` is None until the store has handled it."""

    id: RequestId
    node: str
    transaction: StateTransaction
    waited_for: bool = True
    applied: bool | None = None
    revision: int = 0


@dataclass(slots=True)
class LiveKey:
    incarnation: int
    expires_at: int
    replica: ReplicaId


@dataclass(slots=True)
class Contents:
    """What a copy of the store holds."""

    revision: int = 0
    states: dict[str, tuple[QueueState, int]] = field(default_factory=dict)
    live: dict[str, LiveKey] = field(default_factory=dict)
    controller: tuple[str, int] | None = None
    members: dict[str, tuple[str, int]] = field(default_factory=dict)
    history: dict[str, list[Stored]] = field(default_factory=dict)
    options: dict[str, QueueOptions] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)


class Store:
    def __init__(self) -> None:
        self.up = True
        self.now = Contents()
        self.requests: list[Request] = []
        self.copied: tuple[Contents, dict[str, int]] | None = None

    def read(self, queue: str) -> Stored:
        state, revision = self.now.states[queue]
        return state, revision, self.now.options[queue]

    def put(self, queue: str, state: QueueState, options: QueueOptions | None = None) -> None:
        """Put a queue's state; its epoch never goes back, and a new leader has a new one (I2).

        ``options`` None leaves those that are there.
        """
        before = self.now.states.get(queue)
        if before is not None:
            old = before[0]
            moved = state.leader != old.leader and state.epoch == old.epoch
            if state.epoch < old.epoch or moved:
                raise ViolationError(f"I2 {queue}: epoch did not grow, {old} to {state}")
        self.now.revision += 1
        self.now.states[queue] = (state, self.now.revision)
        if options is not None:
            self.now.options[queue] = options
        self.now.history.setdefault(queue, []).append(self.read(queue))

    def register(self, replica: ReplicaId, expires_at: int) -> int:
        """Put a new live key; what hung on the old lease goes with it."""
        now = self.now
        if now.controller and now.controller[0] == replica.node:
            now.controller = None
        now.revision += 1
        now.live[replica.node] = LiveKey(now.revision, expires_at, replica)
        return now.revision

    def expire(self, node: str) -> None:
        del self.now.live[node]
        if self.now.controller and self.now.controller[0] == node:
            self.now.controller = None

    def live_nodes(self) -> dict[str, LiveNode]:
        return {name: LiveNode(key.incarnation, key.replica) for name, key in self.now.live.items()}

    def find(self, request_id: RequestId) -> Request:
        return next(request for request in self.requests if request.id == request_id)

    def submit(self, node: str, transaction: StateTransaction, what: RequestId) -> None:
        """Take a transaction; ``what`` tells it from others of this node, queue and revision."""
        request_id = (node, transaction.queue, *what, transaction.expected_revision)
        self.requests.append(Request(request_id, node, transaction))

    def apply(self, request: Request, *, trusting: bool) -> None:
        """Compare, then put. ``trusting`` leaves out the identity, as a mistake does."""
        transaction, now = request.transaction, self.now
        good = now.states[transaction.queue][1] == transaction.expected_revision
        good &= transaction.queue not in now.gone
        good &= trusting or now.members[request.node][1] >= transaction.stamp
        if transaction.controller is not None:
            good &= now.controller == (request.node, transaction.controller)
        for name, incarnation in transaction.live:
            good &= name in now.live and now.live[name].incarnation == incarnation
        if good:
            self.put(transaction.queue, transaction.new, transaction.options)
            request.revision = now.revision
        request.applied = good
        if not request.waited_for:
            self.requests.remove(request)

    def keep_copy(self, periods: dict[str, int]) -> None:
        self.copied = (copy.deepcopy(self.now), dict(periods))

    def go_back(self) -> None:
        assert self.copied is not None
        self.now = copy.deepcopy(self.copied[0])
