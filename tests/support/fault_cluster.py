"""A cluster that only notes what is done to it, over one real node where there is one."""

from collections.abc import Iterable, Sequence

from load_generator import wire
from load_generator.session import Endpoint, Session
from load_generator.verifying.cluster import Ability
from load_generator.verifying.machines import STREAM_ARGUMENTS


class NotedCluster:
    """Fits ``load_generator.verifying.cluster.Cluster``; all nodes are at one endpoint."""

    nodes: Sequence[str] = ("n1", "n2", "n3")
    stores: Sequence[str] = ("e1",)
    abilities = frozenset({Ability.CUT, Ability.STORE})

    def __init__(self, endpoint: Endpoint) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.broken: str | None = None
        self.stream_port: int | None = None
        self._endpoint = endpoint

    def endpoint(self, node: str) -> Endpoint:
        return self._endpoint

    def stream_endpoint(self, node: str) -> Endpoint | None:
        if self.stream_port is None:
            return None
        return self._endpoint._replace(port=self.stream_port, speaks_streams=True)

    def leader_of(self, queue: str) -> str | None:
        return None

    def declare(self, queue: str, *, is_stream: bool = False) -> None:
        arguments = STREAM_ARGUMENTS if is_stream else {}
        request = wire.queue_declare(1, queue, arguments, durable=True)
        with Session(self._endpoint) as session:
            session.call(request, wire.QUEUE_DECLARE_OK)

    def kill(self, name: str) -> None:
        self.calls.append(("kill", name))

    def stop(self, name: str) -> None:
        self.calls.append(("stop", name))

    def start(self, name: str) -> None:
        self.calls.append(("start", name))

    def wait_until_ready(self, name: str, timeout_s: float) -> None:
        self.calls.append(("wait", name))
        if name == self.broken:
            raise TimeoutError(f"{name} does not serve")

    def freeze(self, name: str) -> None:
        self.calls.append(("freeze", name))

    def freeze_lease(self, node: str) -> None:
        self.calls.append(("freeze lease", node))

    def thaw(self, name: str) -> None:
        self.calls.append(("thaw", name))

    def cut(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.calls.append(("cut", *pairs))

    def lose(self, names: Iterable[str], percent: int) -> None:
        self.calls.append(("lose", *names, percent))

    def limit(self, names: Iterable[str], kbit_per_s: int) -> None:
        self.calls.append(("limit", *names, kbit_per_s))

    def heal(self) -> None:
        self.calls.append(("heal",))

    def wipe(self, node: str) -> None:
        self.calls.append(("wipe", node))

    def slow_disk(self, node: str, delay_ms: int) -> None:
        self.calls.append(("slow disk", node, delay_ms))

    def shift_clock(self, node: str, shift_ms: int) -> None:
        self.calls.append(("clock", node, shift_ms))
