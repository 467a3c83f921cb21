"""Peers of several nodes in one loop, joined without a link between them."""

from amqp_server.broker.cluster import PeerAwayError, PeerRefusedError
from amqp_server.clustering.peers import Compose, Peers
from cluster.links.hello import ASKING_VERSION_MAX


class JoinedPeers(Peers):
    """The peers of one node; ``nodes`` are those of all nodes, by name.

    Attributes:
        version: of the links; see ``cluster.links.hello``.
        asked_of: node and subject of each question that this one has asked.
    """

    def __init__(self, name: str, nodes: "dict[str, JoinedPeers]") -> None:
        super().__init__()
        self.name, self.nodes = name, nodes
        self.version = ASKING_VERSION_MAX
        self.asked_of: list[tuple[str, str]] = []
        nodes[name] = self

    async def ask(self, node: str, subject: str, octets: bytes | Compose, within_s: float) -> bytes:
        del within_s
        self.asked_of.append((node, subject))
        other = self.nodes.get(node)
        if other is None:
            raise PeerAwayError(f"{node} has not answered", was_asked=False)
        answering = other._answering.get(subject)
        if answering is None:
            raise PeerRefusedError(f"nobody here answers to {subject}")
        whole = octets if isinstance(octets, bytes) else octets(self.version)
        return await answering(whole, self.name)
