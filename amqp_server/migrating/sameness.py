"""Whether two addresses are of one broker or cluster: what is declared at one is at both."""

import secrets
import time
from contextlib import suppress
from typing import Final

from load_generator import wire
from load_generator.session import NOT_FOUND, Endpoint, Session
from load_generator.wire import LoadError

PREFIX: Final = "haremq-migrate.check."
LOOKS: Final = 3
"""Nodes of one cluster hear of each other's declares a moment later: one look would not do."""
LOOK_S: Final = 0.5
_PASSIVE: Final = b"\x01"


def are_one(source: Endpoint, target: Endpoint) -> bool:
    """Return whether both are one.

    Args:
        source: one address; its vhost does not count.
        target: the other; its vhost has to exist at both.

    Raises:
        OSError, LoadError: one cannot be reached, or refuses.
    """
    exchange = PREFIX + secrets.token_hex(8)
    with Session(target) as there:
        there.call(wire.exchange_declare(1, exchange, "fanout"), wire.EXCHANGE_DECLARE_OK)
        try:
            return _has_in_time(source._replace(vhost=target.vhost), exchange)
        finally:
            with suppress(OSError, LoadError):
                there.call(wire.exchange_delete(1, exchange), wire.EXCHANGE_DELETE_OK)


def _has_in_time(endpoint: Endpoint, exchange: str) -> bool:
    for number in range(LOOKS):
        time.sleep(LOOK_S if number else 0)
        with Session(endpoint) as session:  # a channel that was refused is closed
            if _has(session, exchange):
                return True
    return False


def _has(session: Session, exchange: str) -> bool:
    names = wire.shortstr(exchange) + wire.shortstr("fanout")
    arguments = b"\x00\x00" + names + _PASSIVE + wire.table({})
    session.socket.sendall(wire.method(1, wire.EXCHANGE_DECLARE, arguments))
    answer = session.read_frame()
    if wire.method_of(answer) == wire.EXCHANGE_DECLARE_OK:
        return True
    if wire.reply_code(answer) != NOT_FOUND or answer.channel == 0:
        raise wire.refusal(answer)
    return False
