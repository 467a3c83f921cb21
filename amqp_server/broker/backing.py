"""The storage behind broker, vhosts and queues."""

from dataclasses import dataclass
from typing import Final

from amqp_server.broker.clustered.decisions import Decisions
from amqp_server.broker.definitions.journal import NO_JOURNAL, Journal
from amqp_server.broker.queue import EngineFactory, LogFactory, local_engine, memory_log
from queues.memory import WITHOUT_LIMIT, MemoryRules
from queues.options import Durability


@dataclass(frozen=True, slots=True, kw_only=True)
class Backing:
    """Keeps definitions and messages; a node has one.

    Attributes:
        journal: makes definitions survive; the same that ``Users`` has.
        make_log: returns the log that keeps the messages of a queue.
        default_durability: the class of queues without one from an argument or policy.
        memory: how much of the messages stays in memory.
        make_engine: returns the engine of a new queue.
        decisions: changes definitions of a cluster; None is a node by itself, whose tables decide.
    """

    journal: Journal = NO_JOURNAL
    make_log: LogFactory = memory_log
    default_durability: Durability = Durability.FSYNC
    memory: MemoryRules = WITHOUT_LIMIT
    make_engine: EngineFactory = local_engine
    decisions: Decisions | None = None


IN_MEMORY: Final = Backing()
"""Nothing survives, and everything is safe at once."""
