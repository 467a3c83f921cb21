"""How long a refused login waits for its answer, so that passwords cannot be tried by the thousand.

Wrong passwords are counted by address and by user. A minute without one resets the count. The first
few are answered at once, because people mistype. After that the answer waits twice as long each
time:

    refusals in a row, of the address or the user   1 to 3   4        5        6     …
    their answer waits                              -        250 ms   500 ms   1 s   up to a limit

A right password never waits, and is checked even when wrong ones came from the same address or for
the same user. There is one exception, which stops guessing from one address: while
``HELD_PER_ADDRESS_MAX`` refusals wait there, passwords of users that never logged in from it are
not checked. Hanging up early does not help, because the connection keeps its place until its answer
is due.

A user that does not exist is treated as one that does. An address is an IPv4 address, or the 64
bits of an IPv6 address that a site has to itself.
"""

from collections import OrderedDict
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final, NamedTuple, TypeVar

from amqp_server.broker.errors import LoginRefusedError

REFUSALS_AT_ONCE: Final = 3
"""Wrong passwords of an address, and of a user, that are answered at once."""

FIRST_DELAY_MS: Final = 250
FORGOTTEN_AFTER_MS: Final = 60_000
"""The count of an address or user without a wrong password for this long is reset."""

HELD_PER_ADDRESS_MAX: Final = 100
"""When this many refusals of an address wait, unknown users there are refused unchecked."""

REMEMBERED_MAX: Final = 10_000
"""Addresses, users, and pairs of both that are remembered; the oldest is forgotten."""

USERNAME_CHARACTERS_MAX: Final = 255
"""Characters of a name that are compared; no user has a longer name."""

_ADDRESSES_PARSED_MAX: Final = 1_024
_SITE_BITS: Final = 64
_DOUBLINGS_MAX: Final = 20

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class _Count(NamedTuple):
    refusals: int
    last_ms: int


class LoginDelays:
    """The refused logins of one node.

    Invariant: no table holds more than ``REMEMBERED_MAX``, except that of waiting refusals, each of
        which is a connection.
    """

    def __init__(self, delay_max_ms: int) -> None:
        """Begin without any count.

        Args:
            delay_max_ms: the longest wait; 0 answers every login at once.
        """
        self._delay_max_ms = delay_max_ms
        self._by_address: OrderedDict[str, _Count] = OrderedDict()
        self._by_user: OrderedDict[str, _Count] = OrderedDict()
        self._at_home: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._held_count: dict[str, int] = {}

    def check_crowd(self, address: str, username: str) -> None:
        """Refuse a login unchecked, while too many refusals of its address wait.

        Raises:
            LoginRefusedError: the text is for the log.
        """
        site = site_of(address)
        if self._is_crowded(site) and (site, username) not in self._at_home:
            raise LoginRefusedError(f"user '{username}' - too many wrong passwords from {site}")

    def accept(self, address: str, username: str) -> None:
        """Note that a user has logged in from there."""
        _remember(self._at_home, (site_of(address), username), None)

    def refuse(self, address: str, username: str, now_ms: int) -> int:
        """Count a refusal.

        Returns:
            How long its answer waits; 0 is no wait. After a wait, ``let_go`` must be called once.
        """
        site = site_of(address)
        name = username[:USERNAME_CHARACTERS_MAX]
        by_address = _counted(self._by_address, site, now_ms)
        count = max(by_address, _counted(self._by_user, name, now_ms))
        if count <= REFUSALS_AT_ONCE or not self._delay_max_ms:
            return 0
        if self._is_crowded(site) and (site, username) not in self._at_home:
            return 0
        self._held_count[site] = self._held_count.get(site, 0) + 1
        doublings = min(count - REFUSALS_AT_ONCE - 1, _DOUBLINGS_MAX)
        return min(FIRST_DELAY_MS << doublings, self._delay_max_ms)

    def let_go(self, address: str) -> None:
        """Note that a waiting refusal was sent, or that its connection is gone."""
        site = site_of(address)
        count = self._held_count[site] - 1
        assert count >= 0, "every let_go follows a refusal that waits"
        if count:
            self._held_count[site] = count
        else:
            del self._held_count[site]

    def _is_crowded(self, site: str) -> bool:
        return self._held_count.get(site, 0) >= HELD_PER_ADDRESS_MAX


@lru_cache(_ADDRESSES_PARSED_MAX)
def site_of(address: str) -> str:
    """Return the key of an address: itself, or the network of an IPv6 address."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    network = int(parsed) >> _SITE_BITS << _SITE_BITS
    return f"{IPv6Address(network)}/{_SITE_BITS}"


def _counted(table: "OrderedDict[str, _Count]", key: str, now_ms: int) -> int:
    """Count one more of a key; return the new count."""
    known = table.get(key)
    if known is None or now_ms - known.last_ms >= FORGOTTEN_AFTER_MS:
        known = _Count(0, now_ms)
    _remember(table, key, _Count(known.refusals + 1, now_ms))
    return known.refusals + 1


def _remember(table: "OrderedDict[_Key, _Value]", key: _Key, value: _Value) -> None:
    table[key] = value
    table.move_to_end(key)
    if len(table) > REMEMBERED_MAX:
        table.popitem(last=False)
