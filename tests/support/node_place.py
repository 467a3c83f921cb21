"""A node's data directory, and the nodes that come and go in it."""

from collections.abc import Mapping
from pathlib import Path

from amqp_server.app import build_broker
from amqp_server.broker.arguments.declare import QueueProperties
from amqp_server.broker.broker import Broker
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.settings import BrokerSettings
from amqp_server.broker.steps import finish
from amqp_server.settings.schema import Settings
from amqp_server.stored_node import StoredNode
from amqp_server.wire.tables import Table
from persistence.settings import Durability, PersistenceSettings
from persistence.store import Checkpoint
from tests.support.records import record

NOW_MS = 1_000


class Place:
    """One data directory, and the nodes that come and go in it."""

    def __init__(
        self,
        path: Path,
        durability: Durability = "fsync",
        persistence: PersistenceSettings | None = None,
    ) -> None:
        self.path = path
        self.settings = Settings(
            broker=BrokerSettings(data_dir=path),
            persistence=persistence or PersistenceSettings(durability=durability),
        )
        self.node = StoredNode(path, self.settings.persistence)
        self.broker = build_broker(self.settings, self.node)

    def commit(self) -> None:
        """Bring to disk what is pending."""
        commit = self.node.commit
        while (group := commit.seal()) is not None:
            commit.writer.write(group)
            commit.finish(group, None)

    def checkpoint(self) -> Checkpoint:
        """Make a checkpoint."""
        made = self.node.store.begin_checkpoint()
        while not self.node.store.step(made):
            pass
        self.commit()
        for _ in self.node.store.persist(made):
            pass
        self.node.store.finish(made, None)
        return made

    def stop(self) -> None:
        """End in order: the next start begins with a checkpoint, and believes it."""
        self.commit()
        self.node.note_deliveries(self.broker)
        made = self.checkpoint()
        self.node.store.mark_clean_stop(made)
        self.node.close()

    def restart(self) -> Broker:
        """End as after a kill, and begin again."""
        self.node.close()
        self.node = StoredNode(self.path, self.settings.persistence)
        self.broker = build_broker(self.settings, self.node)
        return self.broker

    def declare(self, name: str, arguments: Table | None = None, *, durable: bool = True) -> None:
        properties = QueueProperties(durable, False, False, arguments or {})
        self.broker.vhost("/").queues.declare(name, properties, None, NOW_MS)

    def publish(self, name: str, *bodies: bytes, persistent: bool = True, priority: int = 0) -> int:
        """Publish to a queue; return the LSN that a confirm would wait for."""
        queue = self.broker.vhost("/").queues.find(name)
        assert queue is not None
        records = [record(body, persistent=persistent, priority=priority) for body in bodies]
        return queue.engine.publish(records, NOW_MS).safe_at.lsn

    def waits_for_the_disk(self, name: str) -> bool:
        """Publish to a queue; return whether the confirm would wait for a sync."""
        self.commit()
        self.publish(name, b"m")
        group = self.node.commit.seal()
        assert group is not None
        self.node.commit.writer.write(group)
        self.node.commit.finish(group, None)
        return group.fsync

    def policy(self, definition: Mapping[str, object], *, operator: bool = False) -> None:
        """Set a policy on queues whose name has an ``o``."""
        vhost = self.broker.vhost("/")
        vhost.set_policy(Policy("p", "o", definition), operator=operator)
        finish(vhost.applying_policies(NOW_MS))

    def bodies(self, name: str) -> list[tuple[bytes, bool]]:
        """Take everything from a queue: bodies, and whether they were delivered before."""
        queue = self.broker.vhost("/").queues.find(name)
        assert queue is not None
        found: list[tuple[bytes, bool]] = []
        while queue.engine.ready_count:
            got = queue.engine.get(NOW_MS, no_ack=True)
            assert got is not None
            found.append((got[0].records[0].body, got[0].redelivered))
        return found
