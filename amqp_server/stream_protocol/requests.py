"""The requests of one connection: answered in their order, at once or after steps.

    request ─▶ handler ─▶ answer
                  └▶ steps ├ the turn's time is spent   the client's input waits
                           └ they wait for the store    the next request waits, and behind it the
                                                        input; frames without an answer go on

Only changes of definitions let other frames pass while they wait: no Publish and no Credit means
anything else because of them. In a cluster they wait for the metadata store, which may be away.
Whatever else waits holds the input, since frames behind it may need what it begins.
"""

import logging
from collections.abc import Callable, Generator
from typing import Final, Protocol

from amqp_server.broker.errors import UndecidedError
from amqp_server.broker.steps import Wait, WaitingSteps, resume_after
from amqp_server.broker.turn import Turn
from amqp_server.connections.intake import Intake
from amqp_server.stream_protocol.dispatch import CHANGES_DEFINITIONS, Answered
from amqp_server.stream_protocol.errors import (
    MalformedFrameError,
    RefusedError,
    StreamProtocolError,
)
from amqp_server.stream_protocol.fields import Fields
from amqp_server.stream_protocol.frames import Event
from amqp_server.stream_protocol.keys import Code, name_of

log = logging.getLogger(__name__)

CORRELATION_BYTES: Final = 4

Handle = Callable[[int, Fields, int], Answered]
"""Takes key, fields behind the correlation id, and the time; see ``dispatch.handlers``."""

LookUp = Callable[[str], WaitingSteps[None] | None]
"""Has what is named in the tables, if the store has it; None on a node by itself."""


class Answering(Protocol):
    """Who writes answers; ``commands`` implements it."""

    def answer(self, key: int, correlation_id: int, octets: bytes) -> None:
        """Answer a request with code OK."""

    def refuse(self, key: int, correlation_id: int, code: Code) -> None:
        """Answer a request with another code."""

    def fail(self, error: StreamProtocolError, now_ms: int) -> None:
        """End the connection: the frame of a request was found to be none in a later step."""


class _Nobody:
    """Replaces who answers, once the connection is over."""

    def answer(self, key: int, correlation_id: int, octets: bytes) -> None:
        """Nobody is answered."""

    def refuse(self, key: int, correlation_id: int, code: Code) -> None:
        """Nobody is answered."""

    def fail(self, error: StreamProtocolError, now_ms: int) -> None:
        """Nothing is ended."""


_NOBODY: Final = _Nobody()


def _carry_nothing_out(_key: int, _fields: Fields, _now_ms: int) -> Answered:
    return b""


def _look_nothing_up(_name: str) -> WaitingSteps[None] | None:
    return None


class Requests:
    """See the module.

    Args:
        answering: writes the answers.
        handle: carries requests out.
        look_up: has what is not found looked up.
        intake: of the connection.
        turn: the broker's.
    """

    def __init__(
        self,
        answering: Answering,
        handle: Handle,
        look_up: LookUp,
        intake: Intake[Event, StreamProtocolError],
        turn: Turn,
    ) -> None:
        self._answering: Answering = answering
        self._handle = handle
        self._look_up = look_up
        self._intake = intake
        self._turn = turn
        self._changing: _Request | None = None
        self._next: tuple[int, bytes] | None = None
        self._is_over = False

    def take(self, key: int, body: bytes, now_ms: int) -> None:
        """Carry a request out, behind those before it.

        Raises:
            MalformedFrameError: no command has such a frame.
        """
        if self._changing is not None:
            self._next = key, body
            self._intake.hold()
            return
        fields = Fields(body)
        correlation_id = fields.u32()
        try:
            answered = self._handle(key, fields, now_ms)
        except RefusedError as refused:
            again = self._looking_up(key, body, refused)
            if again is None:
                self._answering.refuse(key, correlation_id, refused.code)
                return
            request = _Request(self, key, body, correlation_id, again)
            request.looked_up_for = (refused.code,)
            self._begin(request, now_ms)
            return
        if isinstance(answered, Generator):
            self._begin(_Request(self, key, body, correlation_id, answered), now_ms)
        else:
            self._answering.answer(key, correlation_id, answered)

    def input_ended(self) -> None:
        """The client sends nothing more, and may still read: answer before the connection ends."""
        if self._changing is not None:
            self._changing.hold(self._intake)

    def end(self) -> None:
        """End with the connection; what waits is not answered."""
        self._is_over = True
        self._next = None
        # Neither keeps the other in memory.
        self._answering = _NOBODY
        self._handle, self._look_up = _carry_nothing_out, _look_nothing_up

    # ── what takes steps ──

    def _begin(self, request: "_Request", now_ms: int) -> None:
        if not request.step(now_ms):
            request.hold(self._intake)
            self._turn.later(request)

    def _looking_up(
        self, key: int, body: bytes, refused: RefusedError
    ) -> WaitingSteps[bytes] | None:
        """Return a request that is carried out again, once what it lacked was looked up."""
        looking = self._look_up(refused.missing) if refused.missing else None
        return None if looking is None else self._again(looking, key, body)

    def _again(self, looking: WaitingSteps[None], key: int, body: bytes) -> WaitingSteps[bytes]:
        yield from looking
        answered = self._handle(key, Fields(body[CORRELATION_BYTES:]), self._turn.now_ms)
        if isinstance(answered, Generator):
            return (yield from answered)
        return answered

    def steps_missed(
        self, request: "_Request", refused: RefusedError
    ) -> WaitingSteps[bytes] | None:
        """Return how a request goes on whose steps found something missing; None: it is refused."""
        if refused.code in request.looked_up_for:
            return None
        request.looked_up_for += (refused.code,)
        return self._looking_up(request.key, request.body, refused)

    def wait(self, wait: Wait, request: "_Request") -> None:
        """Carry a request on when what it waits for is over."""
        if request.key in CHANGES_DEFINITIONS and not self._is_over:
            self._changing = request
            request.let_go(self._intake)
        else:
            request.hold(self._intake)
        resume_after(wait, request, self._turn)

    def is_spent(self) -> bool:
        """Whether the time of this turn is over."""
        return self._turn.budget.is_spent()

    def finish(self, request: "_Request", octets: bytes | None, code: Code, now_ms: int) -> None:
        """Answer a request that took steps, and go on with the next one."""
        if octets is None:
            self._answering.refuse(request.key, request.correlation_id, code)
        else:
            self._answering.answer(request.key, request.correlation_id, octets)
        self._go_on(request, now_ms)

    def fail(self, request: "_Request", error: StreamProtocolError, now_ms: int) -> None:
        """End the connection for a frame that is none."""
        named = MalformedFrameError(f"{name_of(request.key)}: {error}")
        self._answering.fail(named, now_ms)
        self._go_on(request, now_ms)

    def _go_on(self, request: "_Request", now_ms: int) -> None:
        if self._changing is request:
            self._changing = None
            if self._next is not None:
                (key, body), self._next = self._next, None
                try:
                    self.take(key, body, now_ms)
                except MalformedFrameError as error:
                    self._answering.fail(error, now_ms)
                self._intake.release()
        request.let_go(self._intake)


class _Request:
    """A request that takes steps; a ``Job``."""

    __slots__ = (
        "_is_held",
        "_requests",
        "_steps",
        "body",
        "correlation_id",
        "key",
        "looked_up_for",
    )

    def __init__(
        self,
        requests: Requests,
        key: int,
        body: bytes,
        correlation_id: int,
        steps: WaitingSteps[bytes],
    ) -> None:
        self._requests = requests
        self._steps = steps
        self._is_held = False
        self.key = key
        self.body = body
        self.correlation_id = correlation_id
        self.looked_up_for: tuple[Code, ...] = ()

    def hold(self, intake: Intake[Event, StreamProtocolError]) -> None:
        """Hold the client's input until this is answered."""
        if not self._is_held:
            self._is_held = True
            intake.hold()

    def let_go(self, intake: Intake[Event, StreamProtocolError]) -> None:
        """Hold it no more."""
        if self._is_held:
            self._is_held = False
            intake.release()

    def step(self, now_ms: int) -> bool:
        """Do a piece, and more as long as there is time; return whether all is done, or waits."""
        requests = self._requests
        try:
            while True:
                wait = next(self._steps)
                if wait is not None:
                    requests.wait(wait, self)
                    return True
                if requests.is_spent():
                    return False
        except StopIteration as end:
            octets: bytes = end.value
            requests.finish(self, octets, Code.OK, now_ms)
        except RefusedError as refused:
            again = requests.steps_missed(self, refused)
            if again is not None:
                self._steps = again
                return self.step(now_ms)
            requests.finish(self, None, refused.code, now_ms)
        except MalformedFrameError as error:
            requests.fail(self, error, now_ms)
        except UndecidedError as error:
            log.warning("%s: %s", name_of(self.key), error)
            requests.finish(self, None, Code.INTERNAL_ERROR, now_ms)
        except Exception:
            log.exception("a bug in %s", name_of(self.key))
            requests.finish(self, None, Code.INTERNAL_ERROR, now_ms)
        return True
