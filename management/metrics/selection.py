"""What ``/metrics/detailed`` is asked for: families, vhosts, and a pattern of queues.

    ?family=queue_coarse_metrics&family=queue_metrics&vhost=orders&queue=^in

Source: RabbitMQ 4.3, prometheus plugin, recorded answers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from amqp_server.broker.views import PatternError, compile_pattern
from management.http.request import Query

PATTERN_CHARACTERS_MAX: Final = 2_000


class SelectionError(Exception):
    """The pattern cannot be used; the text is for the client."""


def _every(_name: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Selection:
    """What is to be shown.

    Attributes:
        families: names of RabbitMQ's; those that there are not are ignored.
        vhosts: None is all.
        wants_queue: whether a queue of this name is to be shown.
    """

    families: frozenset[str] = frozenset()
    vhosts: frozenset[str] | None = None
    wants_queue: Callable[[str], bool] = _every

    def wants_vhost(self, vhost: str) -> bool:
        """Whether what is in a vhost is to be shown."""
        return self.vhosts is None or vhost in self.vhosts


def selection_of(query: Query) -> Selection:
    """Return what a query asks for.

    Raises:
        SelectionError: the pattern is none, or too long.
    """
    vhosts, pattern = query.all("vhost"), query.get("queue")
    return Selection(
        frozenset(query.all("family")),
        frozenset(vhosts) if vhosts else None,
        _every if not pattern else _matcher(pattern),
    )


def _matcher(pattern: str) -> Callable[[str], bool]:
    if len(pattern) > PATTERN_CHARACTERS_MAX:
        raise SelectionError(f"'queue' regex is longer than {PATTERN_CHARACTERS_MAX} characters")
    try:
        # A search has a limit of steps, so that no pattern stops the broker.
        return compile_pattern(pattern).search
    except PatternError as error:
        where = f"at position {error.position}"
        raise SelectionError(f"Invalid 'queue' regex {where}: {error.reason}") from error
