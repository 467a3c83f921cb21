"""How many logins there were, by protocol and by where they came from.

Source: RabbitMQ, rabbit_core_metrics:auth_attempt_succeeded and _failed; the words of protocols.
RabbitMQ keeps sources only where its settings ask for it.
"""

from collections import OrderedDict
from typing import Final, NamedTuple, TypeAlias

SOURCES_MAX: Final = 1_000
"""Sources that are remembered; the one that was silent for longest is forgotten."""

USERNAME_CHARACTERS_MAX: Final = 255
"""Characters of a name that are kept; no user has a longer name."""

Source: TypeAlias = tuple[str, str, str]
"""Address, name that the client claims, and protocol."""


class AttemptsView(NamedTuple):
    """Logins of a protocol, or of a source.

    Attributes:
        address, username: empty where they are those of a whole protocol.
        protocol: ``amqp091``, ``http`` or ``stream``.
        accepted, refused: since the start, or since they were forgotten.
    """

    address: str
    username: str
    protocol: str
    accepted: int
    refused: int


class LoginAttempts:
    """The logins of a node.

    Attributes:
        refused_count: of all protocols, since the start: it never falls.
    """

    def __init__(self) -> None:
        self._by_protocol: dict[str, list[int]] = {}
        self._by_source: OrderedDict[Source, list[int]] = OrderedDict()
        self.refused_count = 0

    def note(self, address: str, username: str, protocol: str, *, is_accepted: bool) -> None:
        """Count a login."""
        place = 0 if is_accepted else 1
        self.refused_count += place
        self._by_protocol.setdefault(protocol, [0, 0])[place] += 1
        source = (address, username[:USERNAME_CHARACTERS_MAX], protocol)
        self._by_source.setdefault(source, [0, 0])[place] += 1
        self._by_source.move_to_end(source)
        if len(self._by_source) > SOURCES_MAX:
            self._by_source.popitem(last=False)

    def by_protocol(self) -> list[AttemptsView]:
        """Return the logins of each protocol that had any."""
        return [
            AttemptsView("", "", protocol, accepted, refused)
            for protocol, (accepted, refused) in self._by_protocol.items()
        ]

    def by_source(self) -> list[AttemptsView]:
        """Return the logins of each source that is remembered, the latest last."""
        return [
            AttemptsView(*source, accepted, refused)
            for source, (accepted, refused) in self._by_source.items()
        ]

    def forget(self, *, sources_only: bool) -> None:
        """Begin to count anew: sources, or protocols too."""
        self._by_source.clear()
        if not sources_only:
            self._by_protocol.clear()
