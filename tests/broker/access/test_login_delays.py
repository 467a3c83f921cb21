"""Refused logins wait longer and longer, by address and by user; right ones are not asked to."""

from collections.abc import Sized

import pytest

from amqp_server.broker.access import login_delays
from amqp_server.broker.access.login_delays import (
    FIRST_DELAY_MS,
    FORGOTTEN_AFTER_MS,
    HELD_PER_ADDRESS_MAX,
    REFUSALS_AT_ONCE,
    REMEMBERED_MAX,
    LoginDelays,
    site_of,
)
from amqp_server.broker.errors import LoginRefusedError

HERE, THERE = "192.0.2.1", "198.51.100.2"
MAX_MS = 5_000
NOW_MS = 7


@pytest.fixture
def logins() -> LoginDelays:
    return LoginDelays(MAX_MS)


def refuse(
    logins: LoginDelays, times: int, address: str = HERE, user: str = "app", now_ms: int = NOW_MS
) -> list[int]:
    return [logins.refuse(address, user, now_ms) for _ in range(times)]


def test_the_first_few_are_answered_at_once_and_then_it_doubles(logins: LoginDelays) -> None:
    assert refuse(logins, 10) == [0, 0, 0, 250, 500, 1_000, 2_000, 4_000, MAX_MS, MAX_MS]
    assert (REFUSALS_AT_ONCE, FIRST_DELAY_MS) == (3, 250)


def test_one_address_pays_for_all_the_users_that_it_tries(logins: LoginDelays) -> None:
    delays = [logins.refuse(HERE, f"user {number}", NOW_MS) for number in range(5)]
    assert delays == [0, 0, 0, 250, 500]
    assert logins.refuse(THERE, "another", NOW_MS) == 0


def test_one_user_is_protected_from_many_addresses(logins: LoginDelays) -> None:
    delays = [logins.refuse(f"192.0.2.{number}", "app", NOW_MS) for number in range(5)]
    assert delays == [0, 0, 0, 250, 500]
    assert logins.refuse("192.0.2.1", "another", NOW_MS) == 0


def test_a_minute_without_any_is_a_new_beginning(logins: LoginDelays) -> None:
    refuse(logins, 5)
    assert refuse(logins, 1, now_ms=NOW_MS + FORGOTTEN_AFTER_MS - 1) == [1_000]
    assert refuse(logins, 1, now_ms=NOW_MS + 2 * FORGOTTEN_AFTER_MS) == [0]


def test_nothing_waits_where_the_longest_wait_is_none() -> None:
    assert refuse(LoginDelays(0), 500) == [0] * 500


def crowd(logins: LoginDelays, address: str = HERE) -> int:
    """Fill the places of an address with refusals that wait; return how many were asked for."""
    asked_count = waiting_count = 0
    while waiting_count < HELD_PER_ADDRESS_MAX:
        asked_count += 1
        waiting_count += logins.refuse(address, f"user {asked_count}", NOW_MS) > 0
    return asked_count


def test_while_too_many_wait_strangers_of_that_address_are_not_heard(logins: LoginDelays) -> None:
    logins.accept(HERE, "at home")
    assert crowd(logins) == HELD_PER_ADDRESS_MAX + REFUSALS_AT_ONCE
    with pytest.raises(LoginRefusedError, match=f"too many wrong passwords from {HERE}"):
        logins.check_crowd(HERE, "stranger")
    assert logins.refuse(HERE, "stranger", NOW_MS) == 0, "no place is left to wait in"
    logins.check_crowd(HERE, "at home")
    logins.check_crowd(THERE, "stranger")
    logins.let_go(HERE)
    logins.check_crowd(HERE, "stranger")


def test_who_is_at_home_waits_even_in_a_crowd(logins: LoginDelays) -> None:
    """Or its passwords could be tried from there without a wait."""
    logins.accept(HERE, "at home")
    crowd(logins)
    assert logins.refuse(HERE, "at home", NOW_MS) == MAX_MS


def test_what_was_let_go_is_not_held_any_more(logins: LoginDelays) -> None:
    crowd(logins)
    for _ in range(HELD_PER_ADDRESS_MAX):
        logins.let_go(HERE)
    assert logins._held_count == {}


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_an_ipv6_network_counts_as_one(address: str, site: str) -> None:
    assert site_of(address) == site


def test_a_flood_of_names_and_addresses_is_bounded(
    logins: LoginDelays, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert REMEMBERED_MAX == 10_000
    monkeypatch.setattr(login_delays, "REMEMBERED_MAX", 50)
    for number in range(200):
        logins.refuse(f"192.0.2.{number}", f"{number}".ljust(9_000, "n"), NOW_MS)
        logins.accept(f"192.0.2.{number}", f"{number}")
    tables: list[Sized] = [logins._by_address, logins._by_user, logins._at_home]
    assert [len(table) for table in tables] == [50, 50, 50]
    assert max(map(len, logins._by_user)) <= login_delays.USERNAME_CHARACTERS_MAX
