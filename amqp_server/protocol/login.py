"""A login and its answer: tune at once, or a refusal that is held back while passwords are guessed.

Source: RabbitMQ, rabbit_reader:auth_phase, for the text; ``access.login_delays`` for the wait.
"""

import logging
from typing import NamedTuple

from pamqp import commands

from amqp_server.broker.errors import LoginRefusedError
from amqp_server.protocol.methods import connection as methods
from amqp_server.protocol.session import Session

log = logging.getLogger(__name__)


class HeldRefusal(NamedTuple):
    """A refusal that waits.

    Attributes:
        error: what it is.
        due_ms: when it is to be told.
    """

    error: LoginRefusedError
    due_ms: int


def log_in(
    session: Session, method: commands.Connection.StartOk, now_ms: int
) -> bytes | HeldRefusal:
    """Log in; return the frame of connection.tune, or a refusal that is to wait.

    A refusal that was returned must be let go one day: ``session.broker.logins``.

    Raises:
        LoginRefusedError: no, and it is to be said at once; the text is for the client.
        MechanismError, MalformedCredentialsError: see ``methods.start_ok``.
    """
    logins = session.broker.logins
    address = session.peer.address
    try:
        tune = methods.start_ok(session, method)
    except LoginRefusedError as error:
        mechanism = method.mechanism
        log.warning("login refused %s mechanism=%s reason=%r", session, mechanism, str(error))
        delay_ms = logins.refuse(address, session.claimed_username, now_ms)
        if delay_ms:
            return HeldRefusal(LoginRefusedError(refused_text(mechanism)), now_ms + delay_ms)
        # In no variable of this frame: it would be in its own traceback.
        raise LoginRefusedError(refused_text(mechanism)) from error
    logins.accept(address, session.username)
    return tune


def refused_text(mechanism: str) -> str:
    """Return what a client is told whose login failed; why is for the log alone."""
    return (
        f"Login was refused using authentication mechanism {mechanism}. For details see the"
        " broker logfile."
    )
