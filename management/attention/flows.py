"""Messages that reach no queue, and connections that are blocked."""

from collections.abc import Iterator
from typing import Final

from amqp_server.broker.views import ConnectionView, ExchangeView
from management.attention.concern import CONNECTION, EXCHANGE, WARN, Concern, per_second

SPAN_MS: Final = 60_000

_BLOCKED: Final = frozenset({"blocked", "blocking"})


class ExchangeWatch:
    """Exchanges whose messages reach no queue; one that never had any costs a comparison."""

    def __init__(self) -> None:
        self._before: dict[tuple[str, str], tuple[int, int]] = {}
        self._recent: dict[tuple[str, str], tuple[int, int]] = {}
        self._rotated_ms = 0
        self._found: list[Concern] = []

    def begin(self, now_ms: int) -> None:
        """Begin a look at all exchanges."""
        self._found.clear()
        if now_ms - self._rotated_ms >= SPAN_MS:
            self._rotated_ms = now_ms
            self._before, self._recent = self._recent, {}

    def note(self, now_ms: int, view: ExchangeView) -> None:
        """Note how an exchange is now."""
        lost = view.returns + view.dropped
        if not lost:
            return
        key = (view.vhost, view.name)
        self._recent.setdefault(key, (now_ms, lost))
        then_ms, earlier = self._before.get(key) or self._recent[key]
        if lost > earlier and now_ms > then_ms:
            rate = (lost - earlier) * 1000 / (now_ms - then_ms)
            self._found.append(
                Concern(
                    WARN,
                    EXCHANGE,
                    view.vhost,
                    view.name,
                    "unroutable",
                    "gets messages that reach no queue",
                    per_second(rate),
                    rate,
                    now_ms,
                )
            )

    def concerns(self) -> Iterator[Concern]:
        """Yield what the look has found."""
        yield from self._found


class ConnectionWatch:
    """Connections that are blocked, by vhost and user."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], str] = {}
        self._counts: dict[tuple[str, str], int] = {}

    def begin(self) -> None:
        """Begin a look at all connections."""
        self._first.clear()
        self._counts.clear()

    def note(self, view: ConnectionView) -> None:
        """Note how a connection is now."""
        if view.state in _BLOCKED:
            key = (view.vhost, view.username)
            self._first.setdefault(key, view.name)
            self._counts[key] = self._counts.get(key, 0) + 1

    def concerns(self, now_ms: int) -> Iterator[Concern]:
        """Yield a concern for each vhost and user with blocked connections; it names the first."""
        for (vhost, username), name in self._first.items():
            count = self._counts[vhost, username]
            others = "" if count == 1 else f", as are {count - 1:,} more of {username}"
            text = f"is blocked by an alarm{others}"
            yield Concern(
                WARN,
                CONNECTION,
                vhost,
                name,
                "blocked",
                text,
                f"{count:,} blocked",
                count,
                now_ms,
                username,
            )
