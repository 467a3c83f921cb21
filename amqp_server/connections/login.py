"""The way in: a login by one of the mechanisms, then a vhost.

While passwords are guessed, a refusal is held back (``access.login_delays``).

Source: RabbitMQ, rabbit_reader:auth_phase, for the text, and for the order in which a vhost is
checked.
"""

import logging
from typing import NamedTuple

from amqp_server.broker.access.mechanisms import login
from amqp_server.broker.access.rights import User
from amqp_server.broker.errors import LoginRefusedError, NotAllowedError, NotFoundError
from amqp_server.broker.events import EventKind
from amqp_server.broker.limits import check_user_connection
from amqp_server.connections.session import Session

log = logging.getLogger(__name__)


class HeldRefusal(NamedTuple):
    """A refusal that is delayed.

    Attributes:
        error: the error to send.
        due_ms: when to send it.
    """

    error: LoginRefusedError
    due_ms: int


def log_in(session: Session, mechanism: str, response: bytes, now_ms: int) -> HeldRefusal | None:
    """Log in; return None, or a refusal that must be delayed.

    The caller must release a returned refusal later: ``session.broker.logins``.

    Args:
        session: its ``user`` is set by this.
        mechanism: name of the mechanism that the client chose.
        response: the client's response to the mechanism.
        now_ms: the time.

    Raises:
        LoginRefusedError: it is refused, without a delay; the text is for the client.
        MechanismError: no such mechanism (503).
        MalformedCredentialsError: a response that the mechanism cannot read (502).
    """
    logins = session.broker.logins
    address = session.peer.address
    try:
        user = _authenticate(session, mechanism, response)
        session.broker.users.check_loopback(user, is_loopback=session.peer.is_loopback)
    except LoginRefusedError as error:
        log.warning("login refused %s mechanism=%s reason=%r", session, mechanism, str(error))
        session.broker.events.note(EventKind.LOGIN_REFUSED, "", mechanism, session)
        _note(session, session.claimed_username, is_accepted=False)
        delay_ms = logins.refuse(address, session.claimed_username, now_ms)
        if delay_ms:
            return HeldRefusal(LoginRefusedError(refused_text(mechanism)), now_ms + delay_ms)
        # Keep it in no variable of this frame, because it would be in its own traceback.
        raise LoginRefusedError(refused_text(mechanism)) from error
    session.user, session.mechanism = user, mechanism
    logins.accept(address, session.username)
    _note(session, session.username, is_accepted=True)
    session.broker.events.note(EventKind.LOGIN_ACCEPTED, "", mechanism, session)
    return None


def _note(session: Session, username: str, *, is_accepted: bool) -> None:
    attempts = session.broker.login_attempts
    attempts.note(session.peer.address, username, session.protocol_word, is_accepted=is_accepted)


def refused_text(mechanism: str) -> str:
    """Return the error for a client whose login failed; only the log has the reason."""
    return (
        f"Login was refused using authentication mechanism {mechanism}. For details see the"
        " broker logfile."
    )


def enter_vhost(session: Session, name: str) -> None:
    """Open a vhost for a user who has logged in.

    Raises:
        NotAllowedError: no such vhost, no right to it, or a limit is reached (530).
    """
    broker = session.broker
    username = session.username
    check_user_connection(session.open_user, broker.count_connections(username=username))
    try:
        vhost = broker.vhost(name)
    except NotFoundError as error:
        raise NotAllowedError(str(error)) from error
    if not broker.users.may_enter_vhost(username, name):
        raise NotAllowedError(f"access to vhost '{name}' refused for user '{username}'")
    vhost.limits.check_connection(name, username, broker.count_connections(vhost=name))
    session.vhost = vhost


def _authenticate(session: Session, mechanism: str, response: bytes) -> User:
    credentials = login(mechanism, response, session.peer.certificate_name)
    session.claimed_username = credentials.username
    session.broker.logins.check_crowd(session.peer.address, credentials.username)
    users = session.broker.users
    if credentials.password is None:
        return users.authenticate_by_certificate(credentials.username)
    return users.authenticate(credentials.username, credentials.password)
