"""Commands on queues, exchanges and bindings, decided by the store of a cluster."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from amqp_server.broker.arguments.declare import ExchangeProperties
from amqp_server.broker.errors import NotFoundError, PreconditionFailedError
from amqp_server.wire.tables import longstr
from queues.asked_port import CountsAnswer
from tests.support.clustered_nodes import KEYS, cluster_of
from tests.support.decided_commands import ENDS, QUEUE, TOPOLOGY, V, done, played

MAY_BE_DELETED: dict[str, Any] = {"name": "q", "username": None, "if_unused": True, **V}


class Counted:
    """An ``AskedQueue`` of which these are the counts."""

    answers_at_once = gives_at_once = False

    def __init__(self, ready_count: int, consumer_count: int) -> None:
        self._counts = CountsAnswer(ready_count, consumer_count, 0)

    def ask_counts(self, then: Callable[[CountsAnswer], None], now_ms: int) -> None:
        assert now_ms
        then(self._counts)


def test_they_answer_as_on_a_node_by_itself() -> None:
    played(TOPOLOGY)


def test_nothing_is_bound_to_the_queue_behind_a_delayed_exchange() -> None:
    delayed = ExchangeProperties(
        "x-delayed-message", True, False, False, {"x-delayed-type": longstr("direct")}
    )

    async def run() -> None:
        async with cluster_of() as cluster:
            asked = {**V, "name": "x", "username": None, "properties": delayed}
            assert (await done(cluster, 0, "declare_exchange", asked)).error is None
            prefix = KEYS.prefix_of("q")
            page = await cluster.store.read_range(prefix, prefix + b"\xff")
            (place,) = [KEYS.place_of(each.key) for each in page.items]
            assert place is not None
            to = {**ENDS, "source": "amq.direct", "destination": place.names[1]}
            assert isinstance((await done(cluster, 0, "bind", to)).error, NotFoundError)
            prefix = KEYS.prefix_of("b")
            assert not (await cluster.store.read_range(prefix, prefix + b"\xff")).items

    asyncio.run(run())


@pytest.mark.parametrize(
    ("ready_count", "consumer_count", "text"), [(1, 0, "not empty"), (0, 1, "in use")]
)
def test_the_conditions_of_a_delete_hold_where_the_queue_is_led(
    ready_count: int, consumer_count: int, text: str
) -> None:
    async def run() -> None:
        async with cluster_of() as cluster:
            await done(cluster, 0, "declare_queue", {**V, "name": "q", **QUEUE})
            queue = cluster.nodes[0].vhost.queues.get("q", None)
            queue.asked = Counted(ready_count, consumer_count)  # type: ignore[assignment]
            answer = await done(cluster, 0, "delete_queue", {**MAY_BE_DELETED, "if_empty": True})
            assert isinstance(answer.error, PreconditionFailedError)
            assert text in str(answer.error)
            assert not queue.is_deleted

    asyncio.run(run())
