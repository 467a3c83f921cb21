"""Who asks: by name and password (Basic), or by the session of a browser.

A password that was right is not checked again for some seconds, as long as the user's definition is
the same. One that is wrong waits as a wrong login of AMQP does (``broker.admin``, ``log_in``). What
is remembered of a password is a keyed digest.
"""

import asyncio
import base64
import binascii
import hashlib
import secrets
from collections import OrderedDict
from typing import Final, NamedTuple

from amqp_server.broker.admin import LogIn
from management.access.account import OPERATOR, Account, account_of
from management.access.sessions import COOKIE, CSRF_HEADER, Sessions, may_write
from management.http.errors import (
    BAD_REQUEST,
    HttpError,
    login_failed,
    no_credentials,
    not_authorised,
)
from management.http.request import Request
from management.node import Node

REMEMBERED_MS: Final = 10_000
REMEMBERED_MAX: Final = 1_000


class Credentials(NamedTuple):
    """A name and a password, as a client sent them."""

    username: str
    password: str


class _Remembered(NamedTuple):
    user: object
    account: Account
    until_ms: int


class Logins:
    """The way in.

    Args:
        node: that has the users.
        sessions: of browsers.
        operators: users of the system who need no password on a Unix socket, by number.
    """

    def __init__(
        self, node: Node, sessions: Sessions, operators: frozenset[int] = frozenset()
    ) -> None:
        self._node = node
        self._operators = operators
        self.sessions = sessions
        self._key = secrets.token_bytes(32)
        self._remembered: OrderedDict[tuple[str, bytes, bool], _Remembered] = OrderedDict()

    async def account(self, request: Request) -> Account:
        """Return who asks.

        Raises:
            HttpError: 401, nobody whom we know; 400, credentials that cannot be read.
        """
        header = request.header("authorization")
        if header is not None:
            return await self._by_header(header, request)
        name = request.cookies.get(COOKIE)
        if name is None and request.uid in self._operators:
            return OPERATOR
        if name is None:
            raise no_credentials(asks_for_login=_asks_for_login(request))
        account = self.sessions.account(name, self._node.views.user, self._node.now_ms())
        if account is None:
            raise login_failed(asks_for_login=False)
        if not may_write(request):
            raise not_authorised("The header X-CSRF is missing")
        return account

    async def check(self, credentials: Credentials, request: Request) -> Account:
        """Return the account of a name and a password.

        Raises:
            HttpError: 401, they are wrong, or the user may not log in from there.
        """
        key = self._key_of(credentials, request)
        now_ms = self._node.now_ms()
        known = self._remembered.get(key)
        if known is not None and now_ms < known.until_ms:
            if self._node.views.user(credentials.username) == known.user:
                return known.account
            del self._remembered[key]
        account = await self._check_now(credentials, request)
        user = self._node.views.user(account.name)
        self._remembered[key] = _Remembered(user, account, now_ms + REMEMBERED_MS)
        self._remembered.move_to_end(key)
        if len(self._remembered) > REMEMBERED_MAX:
            self._remembered.popitem(last=False)
        return account

    def still_stands(self, request: Request, account: Account) -> bool:
        """Whether a user who was let in has the same tags, and the same session, as then."""
        if account.is_operator:
            return True
        if not self.is_same(account):
            return False
        if request.header("authorization") is not None:
            return True
        name = request.cookies.get(COOKIE)
        return name is not None and self.sessions.is_open(name, self._node.now_ms())

    def is_same(self, account: Account) -> bool:
        """Whether a user is there, with the same tags as when this account was made."""
        if account.is_operator:
            return True
        user = self._node.views.user(account.name)
        return user is not None and account_of(user.name, user.tags) == account

    async def _by_header(self, header: str, request: Request) -> Account:
        scheme, _, text = header.partition(" ")
        if scheme.lower() == "bearer" and text:
            raise login_failed(asks_for_login=_asks_for_login(request))
        if scheme.lower() != "basic":
            raise HttpError(BAD_REQUEST)
        return await self.check(basic_credentials(text.strip()), request)

    async def _check_now(self, credentials: Credentials, request: Request) -> Account:
        node = self._node
        came = await node.command(
            "log_in",
            username=credentials.username,
            password=credentials.password,
            address=request.address,
            is_loopback=request.is_loopback,
        )
        assert isinstance(came, LogIn), "the answer of log_in"
        if came.user is not None:
            return account_of(came.user.name, came.user.tags)
        if came.delay_ms:
            try:
                await asyncio.sleep(came.delay_ms / 1000)
            finally:
                node.begin("refusal_told", address=request.address)
        raise login_failed(asks_for_login=_asks_for_login(request))

    def _key_of(self, credentials: Credentials, request: Request) -> tuple[str, bytes, bool]:
        octets = credentials.password.encode("utf-8", "surrogateescape")
        digest = hashlib.blake2b(octets, key=self._key, digest_size=32).digest()
        return credentials.username, digest, request.is_loopback


def basic_credentials(text: str) -> Credentials:
    """Return what stands behind ``Basic``.

    Raises:
        HttpError: 400 without a body, it is no Base64, or has no colon.
    """
    try:
        octets = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (ValueError, UnicodeEncodeError) as error:  # binascii.Error is one
        raise HttpError(BAD_REQUEST) from error
    username, colon, password = octets.decode("utf-8", "surrogateescape").partition(":")
    if not colon:
        raise HttpError(BAD_REQUEST)
    return Credentials(username, password)


def basic_header(credentials: Credentials) -> str:
    """Return the header with which a client sends these credentials."""
    octets = f"{credentials.username}:{credentials.password}".encode("utf-8", "surrogateescape")
    return "Basic " + base64.b64encode(octets).decode("ascii")


def _asks_for_login(request: Request) -> bool:
    """Return whether the browser may ask for a name and password: not for a script of a page."""
    return request.header(CSRF_HEADER) is None and request.header("sec-fetch-dest") != "empty"
