"""Names that no other test uses, and their removal from a broker that may be shared."""

from typing import Final

import pika

# A test that names more than this is a test of something else.
NAMES_MAX: Final = 100


class Names:
    """Hands out names of queues and exchanges; deletes what has them at the end."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._queues: list[str] = []
        self._exchanges: list[str] = []

    def queue(self, word: str = "queue") -> str:
        """Return the name for a queue called ``word`` in this test."""
        return self._remember(self._queues, word)

    def exchange(self, word: str = "exchange") -> str:
        """Return the name for an exchange called ``word`` in this test."""
        return self._remember(self._exchanges, word)

    def adopt_queue(self, name: str) -> None:
        """See to the deletion of a queue that a client names by itself."""
        self._queues.append(name)

    def adopt_exchange(self, name: str) -> None:
        """See to the deletion of an exchange that a client names by itself."""
        self._exchanges.append(name)

    def _remember(self, names: list[str], word: str) -> str:
        assert len(names) < NAMES_MAX, "more names than a test of a client needs"
        name = f"{self.prefix}.{word}"
        names.append(name)
        return name

    def delete_all(self, uri: str) -> None:
        """Delete every queue and exchange that was named; one that is gone already is fine."""
        if not (self._queues or self._exchanges):
            return
        with pika.BlockingConnection(pika.URLParameters(uri)) as connection:
            channel = connection.channel()
            for queue in self._queues:
                channel.queue_delete(queue)
            for exchange in self._exchanges:
                channel.exchange_delete(exchange)
