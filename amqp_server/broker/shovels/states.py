"""The states of the shovels of a node: what moves messages writes them, views read them."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from amqp_server.broker.hidden_uris import without_credentials
from amqp_server.broker.shovels.definition import Shovel

STARTING: Final = "starting"
RUNNING: Final = "running"
BLOCKED: Final = "blocked"
TERMINATED: Final = "terminated"


class ShovelState(NamedTuple):
    """How a shovel is.

    Attributes:
        state: ``starting``, ``running``, ``blocked`` (the destination takes nothing for now) or
            ``terminated`` (it waits to connect again, or was told not to).
        source_uri, destination_uri: where it is connected to, without credentials; else empty.
        changed_at_ms: since when it is so.
        reason: why it is terminated; else empty.
        forwarded: messages that it moved since its start.
        remaining: messages before it is deleted; None is without an end.
    """

    shovel: Shovel
    state: str
    changed_at_ms: int
    source_uri: str = ""
    destination_uri: str = ""
    reason: str = ""
    forwarded: int = 0
    remaining: int | None = None


class ShovelStates:
    """The states by vhost and name.

    Attributes:
        restart: connects a shovel anew; returns whether there is one. Set by what moves messages.
    """

    def __init__(self) -> None:
        self._states: dict[tuple[str, str], ShovelState] = {}
        self.restart: Callable[[str, str], bool] = lambda _vhost, _name: False

    def begin(self, state: ShovelState) -> None:
        """Note a shovel that is new, in place of one of its name."""
        self._states[state.shovel.vhost, state.shovel.name] = state

    def update(self, state: ShovelState) -> None:
        """Note how a shovel is now; one that is gone, or replaced, stays so."""
        held = self._states.get((state.shovel.vhost, state.shovel.name))
        if held is None or held.shovel is not state.shovel:
            return
        state = state._replace(
            source_uri=without_credentials(state.source_uri),
            destination_uri=without_credentials(state.destination_uri),
        )
        self._states[state.shovel.vhost, state.shovel.name] = state

    def drop(self, vhost: str, name: str) -> None:
        """Forget a shovel that is gone."""
        self._states.pop((vhost, name), None)

    def all(self, vhost: str | None = None) -> Iterator[ShovelState]:
        """Return the states in a vhost, or all, by vhost and name."""
        for key in sorted(self._states):
            if vhost in {None, key[0]}:
                yield self._states[key]

    def get(self, vhost: str, name: str) -> ShovelState | None:
        """Return the state of a shovel; None where there is none."""
        return self._states.get((vhost, name))
