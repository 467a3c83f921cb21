"""A check: a function that talks to a broker, with the answer that it expects.

Expected answers are RabbitMQ 3.13's. If another answer is right for another broker, the check has
it with the reason: ``rabbitmq_310`` if Debian's RabbitMQ 3.10 differs from 3.13, ``on_purpose`` if
HareMQ differs from every RabbitMQ. Both are listed in docs/DEVIATIONS.md.
"""

import enum
from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from conformance.peer import Peer

CheckFunction = Callable[[Peer], None]
T = TypeVar("T")


class Dialect(enum.Enum):
    """The broker and version whose answers are expected."""

    HAREMQ = "HareMQ"
    RABBITMQ_313 = "RabbitMQ 3.13"
    RABBITMQ_310 = "RabbitMQ 3.10"


class Close(NamedTuple):
    """An expected close; the text may have ``{placeholders}`` that the check fills in.

    ``method`` is the (class id, method id) that the close names; None accepts any.
    """

    code: int
    text: str
    scope: str
    method: tuple[int, int] | None = None

    def __str__(self) -> str:
        return f"{self.code} {self.text} [{self.scope}]"


class Differs(NamedTuple):
    """Another broker's answer, and the reason why it is right."""

    why: str
    expect: Any


class Check(NamedTuple):
    """One check.

    Attributes:
        check_id: unique, ``class.method.fact``.
        ref: id of the row of rules.yaml that it checks.
        expect: RabbitMQ 3.13's answer: a Close, a value the function compares, or a sentence.
        ninth: number of its row among the thirty that toy brokers get wrong; 0 is none.
        rabbitmq_310: the answer of 3.10, if it is another.
        on_purpose: RabbitMQ's answer, if HareMQ differs on purpose.
        needs: the set-up that the broker must have, else the check is skipped; empty is none.
            ``admin``: definitions.json is loaded; ``http``: the HTTP API listens 10000 above its
            port; ``alarm``: its memory alarm is on.
    """

    check_id: str
    ref: str
    function: CheckFunction
    expect: Any
    ninth: int = 0
    rabbitmq_310: Differs | None = None
    on_purpose: Differs | None = None
    needs: str = ""

    def expected_of(self, dialect: Dialect) -> Any:  # noqa: ANN401 - each check has its own kind
        """Return the right answer for a broker of this dialect."""
        if dialect is not Dialect.HAREMQ and self.on_purpose is not None:
            return self.on_purpose.expect
        if dialect is Dialect.RABBITMQ_310 and self.rabbitmq_310 is not None:
            return self.rabbitmq_310.expect
        return self.expect


class Case(Generic[T]):
    """One row of a table of checks that share a function: the input, and the expected answer."""

    def __init__(
        self,
        given: T,
        expect: Any,  # noqa: ANN401 - as in Check
        *,
        rabbitmq_310: Differs | None = None,
        on_purpose: Differs | None = None,
    ) -> None:
        self.given = given
        self.expect = expect
        self.rabbitmq_310 = rabbitmq_310
        self.on_purpose = on_purpose


REGISTRY: dict[str, Check] = {}


def _register(check: Check) -> None:
    assert check.check_id not in REGISTRY, f"two checks are called {check.check_id}"
    REGISTRY[check.check_id] = check


def check(
    check_id: str,
    *,
    ref: str,
    expect: Any = None,  # noqa: ANN401 - as in Check
    ninth: int = 0,
    rabbitmq_310: Differs | None = None,
    on_purpose: Differs | None = None,
    needs: str = "",
) -> Callable[[CheckFunction], CheckFunction]:
    """Register a function as a check; without ``expect``, its name is the expectation."""

    def registered(function: CheckFunction) -> CheckFunction:
        sentence = function.__name__.replace("_", " ")
        _register(
            Check(
                check_id,
                ref,
                function,
                sentence if expect is None else expect,
                ninth,
                rabbitmq_310,
                on_purpose,
                needs,
            )
        )
        return function

    return registered


def cases(
    prefix: str, table: Mapping[str, Case[T]], *, ref: str, ninth: int = 0, needs: str = ""
) -> Callable[[Callable[[Peer, T], None]], Callable[[Peer, T], None]]:
    """Register one check per row of a table; its id is ``prefix`` and the row's key."""

    def registered(function: Callable[[Peer, T], None]) -> Callable[[Peer, T], None]:
        for key, case in table.items():
            _register(
                Check(
                    f"{prefix}{key}",
                    ref,
                    _bound(function, case.given),
                    case.expect,
                    ninth,
                    case.rabbitmq_310,
                    case.on_purpose,
                    needs,
                )
            )
        return function

    return registered


def _bound(function: Callable[[Peer, T], None], given: T) -> CheckFunction:
    def run(peer: Peer) -> None:
        function(peer, given)

    return run
