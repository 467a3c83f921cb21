"""Sessions of browsers: bounded, forgotten in time, and never a name that somebody chose."""

from itertools import count

from management.access.account import account_of
from management.access.sessions import Sessions, cookie_of, may_write
from management.http.request import Request

EVE = account_of("eve", {"management"})


def sessions(sessions_max: int = 3) -> Sessions:
    numbers = count(1)
    return Sessions(sessions_max, 1_000, lambda: f"s{next(numbers)}")


def stamp(_user: str) -> str:
    return "v1"


def test_a_session_ends_at_the_logout() -> None:
    held = sessions()
    name = held.open(EVE, "v1", 0)
    assert held.account(name, stamp, 10) == EVE
    held.close(name)
    held.close(name)
    assert held.account(name, stamp, 20) is None


def test_an_idle_session_ends() -> None:
    held = sessions()
    used, idle = held.open(EVE, "v1", 0), held.open(EVE, "v1", 0)
    assert held.account(used, stamp, 900) == EVE
    assert held.account(idle, stamp, 1_500) is None
    assert held.account(used, stamp, 1_500) == EVE
    assert len(held) == 1


def test_a_changed_user_is_logged_out() -> None:
    held = sessions()
    name = held.open(EVE, "v1", 0)
    assert held.account(name, lambda _user: "v2", 10) is None
    assert held.account(name, stamp, 10) is None


def test_the_one_idle_for_longest_makes_room() -> None:
    held = sessions()
    names = [held.open(EVE, "v1", 0) for _ in range(3)]
    held.account(names[0], stamp, 1)
    held.open(EVE, "v1", 2)
    assert [held.account(name, stamp, 3) is not None for name in names] == [True, False, True]


def test_a_name_of_somebody_elses_choice_is_nobody() -> None:
    held = sessions()
    assert held.account("chosen", stamp, 0) is None
    assert held.open(EVE, "v1", 0) != "chosen"


def test_names_are_long_and_not_the_same() -> None:
    held = Sessions(9, 9_000)
    names = {held.open(EVE, "v1", 0) for _ in range(5)}
    assert len(names) == 5
    assert min(map(len, names)) >= 43


def test_a_write_with_a_cookie_needs_the_header() -> None:
    assert may_write(Request("GET", "/"))
    assert not may_write(Request("PUT", "/"))
    assert may_write(Request("PUT", "/", headers={"x-csrf": "1"}))


def test_the_cookie_is_for_us_alone() -> None:
    assert cookie_of("s1", "/api", is_tls=True) == (
        "haremq_session=s1; Path=/api; HttpOnly; SameSite=Strict; Secure"
    )
    assert cookie_of("", "/api", is_tls=False).endswith("; Max-Age=0")


def test_a_look_at_a_session_is_no_use_of_it() -> None:
    held = sessions()
    name = held.open(EVE, "v1", 0)
    assert held.is_open(name, 900)
    assert not held.is_open(name, 1_500)
    assert not held.is_open("other", 0)
