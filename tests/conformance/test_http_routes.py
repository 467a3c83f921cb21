"""Every route of the table is in the HTTP differential, or has a row that says why not."""

from conformance.http_calls.call import Call
from conformance.http_calls.script import ALL, REMOVAL, RESETS
from conformance.http_routes import newer, route_of, without_call
from management.route_table import ROUTES

OURS = [f"{route.method} {route.path}" for route in ROUTES if not route.extension]


def test_every_route_has_a_call_or_a_reason() -> None:
    assert without_call(OURS, ALL) == []


def test_nothing_looks_at_numbers_that_were_just_forgotten() -> None:
    first = next(place for place, call in enumerate(ALL) if call.path.startswith("reset"))
    assert ALL[first:] == (*RESETS, *REMOVAL)


def test_every_newer_route_is_in_the_table() -> None:
    assert newer().keys() <= set(OURS)
    assert all(newer().values())


def test_the_route_with_the_most_fixed_segments_is_asked_for() -> None:
    routes = ["GET users/{user}", "GET users/without-permissions", "PUT users/{user}"]
    assert route_of(Call("GET", "users/without-permissions?page=1"), routes) == routes[1]
    assert route_of(Call("GET", "users/a%2Fb/"), routes) == routes[0]
    assert route_of(Call("DELETE", "users/x"), routes) is None
