"""Whether two addresses are of one broker or cluster: what is declared at one is at both."""

import secrets
from contextlib import suppress
from typing import Final

from load_generator import wire
from load_generator.session import NOT_FOUND, Endpoint, Session
from load_generator.wire import LoadError

PREFIX: Final = "haremq-migrate.check."
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
            with Session(source._replace(vhost=target.vhost)) as here:
                return _has(here, exchange)
        finally:
            with suppress(OSError, LoadError):
                there.call(wire.exchange_delete(1, exchange), wire.EXCHANGE_DELETE_OK)


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
