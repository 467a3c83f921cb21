"""Nodes and queues for placements."""

from hypothesis import strategies as st

from cluster.metadata.records import StoredQueueState
from cluster.placement.asking import Asked, Locator
from cluster.placement.nodes import ACTIVE, DRAINING, LEAVING, NodeStanding
from cluster.replication.state import QueueOptions, QueueState, ReplicaId


def node(name: str, **given: object) -> NodeStanding:
    """Return a node that lives and is active unless said otherwise."""
    fields: dict[str, object] = {"disk": f"disk-{name}", "incarnation": 10, **given}
    return NodeStanding(name, **fields)  # type: ignore[arg-type]


def members(*names: str) -> frozenset[ReplicaId]:
    return frozenset(ReplicaId(name, f"disk-{name}") for name in names)


def stored(
    replicas: str, in_sync: str | None = None, *, leader: str | None = None, min_isr: int = 1
) -> StoredQueueState:
    """Return the state of a queue; a letter for each node, the first of the replicas leads."""
    leader = replicas[0] if leader is None else leader
    state = QueueState(leader, 10, 3, members(*(replicas if in_sync is None else in_sync)))
    return StoredQueueState("q-1", state, QueueOptions(tuple(replicas), min_isr))


STANDINGS = st.lists(
    st.builds(
        NodeStanding,
        name=st.sampled_from("abcdefgh"),
        disk=st.sampled_from(["1", "2"]),
        incarnation=st.sampled_from([0, 5, 9]),
        zone=st.sampled_from(["", "x", "y", "z"]),
        state=st.sampled_from([ACTIVE, ACTIVE, ACTIVE, DRAINING, LEAVING]),
        leaders_count=st.integers(0, 5),
        replicas_count=st.integers(0, 5),
    ),
    unique_by=lambda each: each.name,
    max_size=8,
)
ASKED = st.builds(
    Asked,
    replicas_count=st.one_of(st.none(), st.integers(1, 7)),
    nodes=st.lists(st.sampled_from("abcdefghij"), max_size=4, unique=True).map(tuple),
    locator=st.sampled_from(list(Locator)),
)
