"""The keepers of one vhost, by their exchanges; most exchanges have none."""

from collections.abc import Mapping
from typing import Final

from amqp_server.broker.keepers.history import History
from amqp_server.broker.publish import Publisher, PublishTarget
from amqp_server.broker.steps import Steps
from exchanges.bindings import Destination, DestinationKind
from exchanges.keeping import exchange_of_keeper
from exchanges.recent_history import history_length
from exchanges.routing import Router
from queues.memory import MemoryRules

_RECENT_HISTORY: Final = "x-recent-history"


class Keepers:
    """The keepers of one vhost.

    Args:
        router: the vhost's.
        memory: the node's, for messages that are kept.
    """

    def __init__(self, router: Router, memory: MemoryRules) -> None:
        self._router = router
        self._memory = memory
        self._histories: dict[str, History] = {}

    def find(self, name: str) -> PublishTarget | None:
        """Return the keeper of this name (``exchanges.keeping``); None where there is none."""
        exchange_name = exchange_of_keeper(name)
        return None if exchange_name is None else self._histories.get(exchange_name)

    def open(self, exchange_name: str, type_name: str, arguments: Mapping[str, object]) -> None:
        """Make the keeper of a new exchange, where its type has one.

        Args:
            exchange_name: of the exchange.
            type_name: of the exchange.
            arguments: of the exchange, valid, plain values.
        """
        if type_name == _RECENT_HISTORY:
            self._histories[exchange_name] = History(
                history_length(arguments),
                self._memory,
                self._router.counters_of,
                lambda: self._router.has_bindings_from(exchange_name),
            )

    def close(self, exchange_name: str) -> None:
        """Forget the keeper of an exchange that is gone, with what it kept."""
        history = self._histories.pop(exchange_name, None)
        if history is not None:
            history.forget()

    def close_all(self) -> None:
        """Forget all keepers, because the vhost is about to go."""
        for exchange_name in tuple(self._histories):
            self.close(exchange_name)

    def replaying(
        self, publisher: Publisher, exchange_name: str, to: Destination, now_ms: int
    ) -> Steps[None]:
        """Give a new binding of an exchange the messages that the exchange remembers."""
        history = self._histories.get(exchange_name)
        for run in [] if history is None else history.remembered():
            if to.kind is DestinationKind.QUEUE:
                publisher.publish_to_queue(to.name, run, now_ms)
            else:
                yield from publisher.publishing_to_keys(to.name, (run[0].routing_key,), run, now_ms)
            yield
