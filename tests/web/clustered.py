"""The UI in front of a node in memory, whose cluster a test writes."""

from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from tests.support.fake_cluster import FakeCluster
from tests.support.management_api import Api
from tests.web.stand_in import Answer, StandIn

OTHERS = ("rabbit@east", "rabbit@west")


class ClusteredUi:
    """A node in memory in a cluster of three, with its UI, for the length of a ``with`` block.

    The node has a thread of its own, because the browser's driver has a loop in that of the test.

    Attributes:
        own: the name of the node.
        cluster: as the node sees it; a test changes it.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._api = self._thread.submit(Api).result()
        self.own = self._api.management.services.identity.node
        self.cluster = FakeCluster(self.own, *OTHERS)
        self._thread.submit(self._fill).result()
        self._stand_in = StandIn(ask=self._ask)

    @property
    def url(self) -> str:
        """The address of the UI."""
        return self._stand_in.url

    def leave(self) -> None:
        """Have the node be in no cluster."""
        self._api.broker.cluster = None

    def look(self) -> None:
        """Let half a minute pass, with looks at everything."""
        for _ in range(7):
            self._thread.submit(self._api.look).result()

    def __enter__(self) -> Self:
        self._stand_in.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stand_in.__exit__(kind, error, trace)
        self._thread.submit(self._api.__exit__, kind, error, trace).result()
        self._thread.shutdown()

    def _fill(self) -> None:
        client = self._api.node.open()
        for name, kind in (("orders", "quorum"), ("audit", "classic")):
            client.declare(name)
            self.cluster.put(name, self.own, *OTHERS, kind=kind)
        self._api.broker.cluster = self.cluster

    def _ask(self, method: str, path: str, body: bytes) -> Answer:
        reply = self._thread.submit(
            self._api.call, method, path, body=body or None, headers={"x-csrf": "1"}
        ).result()
        return reply.status, reply.body, reply.headers.get("content-type", "application/json")
