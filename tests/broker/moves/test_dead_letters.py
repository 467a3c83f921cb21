"""The x-death header: its layout, its order, its types; what a client put there before."""

from collections.abc import Sequence

import pytest

from amqp_server.broker.moves.dead_letters import DEATHS_MAX, DeadLetters
from amqp_server.wire.properties import split, traits_of
from amqp_server.wire.tables import Field, longstr, plain
from persistence.record import HAS_EXPIRATION, HAS_HEADERS, NO_TTL, PERSISTENT, Record
from queues.effects import DeathReason
from tests.support.dead_letters import EXPIRED, NOW_S, REJECTED, deaths_of, die, history_of
from tests.support.vhosts import headers_of, message, plain_headers

MAXLEN, DELIVERY_LIMIT = DeathReason.MAXLEN, DeathReason.DELIVERY_LIMIT


def die_in_turn(
    record: Record, *deaths: tuple[str, DeathReason], wall_s: int = NOW_S
) -> DeadLetters:
    """Let a message die again and again, a second later each time."""
    letter: DeadLetters | None = None
    for later_s, (queue_name, reason) in enumerate(deaths):
        letter = die(record, reason, queue_name, wall_s=wall_s + later_s)
        record = letter.run[0]
    assert letter is not None, "at least one death"
    return letter


# ── layout ──


def test_an_entry_has_rabbitmqs_fields_in_its_order_and_types() -> None:
    letter = die(message(b"m", "shop", "order", expiration="250"), EXPIRED)
    (entry,) = deaths_of(letter.run[0])
    assert list(entry.items()) == [
        ("original-expiration", longstr("250")),
        ("count", Field("l", 1)),
        ("reason", longstr("expired")),
        ("queue", longstr("jobs")),
        ("time", Field("T", NOW_S)),
        ("exchange", longstr("shop")),
        ("routing-keys", Field("A", [longstr("order")])),
    ]


def test_without_an_expiration_the_entry_begins_with_the_count() -> None:
    (entry,) = deaths_of(die(message()).run[0])
    assert list(entry) == ["count", "reason", "queue", "time", "exchange", "routing-keys"]


def test_x_death_is_an_array_of_tables() -> None:
    deaths = headers_of(die(message()).run[0])["x-death"]
    assert deaths.kind == "A"
    assert isinstance(deaths.value, list)
    assert [entry.kind for entry in deaths.value] == ["F"]


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (REJECTED, "rejected"),
        (EXPIRED, "expired"),
        (MAXLEN, "maxlen"),
        (DELIVERY_LIMIT, "delivery_limit"),
    ],
)
def test_each_reason_has_its_word(reason: DeathReason, word: str) -> None:
    headers = plain_headers(die(message(), reason).run[0])
    assert headers["x-last-death-reason"] == headers["x-first-death-reason"] == word
    assert history_of(die(message(), reason).run[0]) == [("jobs", word, 1)]


def test_other_headers_stay_and_keep_their_types_and_places() -> None:
    given = {"mine": Field("s", -1), "x-other": Field("V", None)}
    headers = headers_of(die(message(headers=given)).run[0])
    assert list(headers.items())[:2] == list(given.items())


# ── first and last ──


def test_the_first_death_stays_and_the_last_death_moves() -> None:
    letter = die_in_turn(message(b"", "shop"), ("a", EXPIRED), ("b", REJECTED))
    headers = plain_headers(letter.run[0])
    assert [headers[f"x-first-death-{key}"] for key in ("exchange", "queue", "reason")] == [
        "shop",
        "a",
        "expired",
    ]
    assert [headers[f"x-last-death-{key}"] for key in ("exchange", "queue", "reason")] == [
        "dlx",
        "b",
        "rejected",
    ]


def test_a_first_death_that_a_client_told_by_half_is_told_anew() -> None:
    headers = plain_headers(die(message(headers={"x-first-death-queue": "mine"})).run[0])
    assert headers["x-first-death-queue"] == "jobs"
    assert headers["x-first-death-reason"] == "rejected"


def test_a_first_death_that_a_client_told_whole_is_left_alone() -> None:
    told = {"x-first-death-exchange": "x", "x-first-death-queue": "q", "x-first-death-reason": 5}
    headers = plain_headers(die(message(headers=told)).run[0])
    assert {key: headers[key] for key in told} == told


# ── history ──


def test_the_most_recent_death_comes_first() -> None:
    letter = die_in_turn(message(), ("a", EXPIRED), ("b", EXPIRED), ("c", MAXLEN))
    assert history_of(letter.run[0]) == [
        ("c", "maxlen", 1),
        ("b", "expired", 1),
        ("a", "expired", 1),
    ]
    assert letter.died_in == {"c", "b", "a"}


def test_a_death_of_the_same_kind_counts_up_and_moves_to_the_front() -> None:
    letter = die_in_turn(message(b"", "shop", "k"), ("a", EXPIRED), ("b", EXPIRED), ("a", EXPIRED))
    assert history_of(letter.run[0]) == [("a", "expired", 2), ("b", "expired", 1)]
    again = deaths_of(letter.run[0])[0]
    assert again["time"] == Field("T", NOW_S), "the rest tells of the first time"
    assert again["exchange"] == longstr("shop")


def test_another_reason_in_the_same_queue_is_another_entry() -> None:
    letter = die_in_turn(message(), ("a", EXPIRED), ("a", REJECTED), ("a", EXPIRED))
    assert history_of(letter.run[0]) == [("a", "expired", 2), ("a", "rejected", 1)]


def test_the_history_is_bounded_and_forgets_the_oldest() -> None:
    known = [{"queue": f"q{index}", "reason": "expired", "count": 1} for index in range(DEATHS_MAX)]
    letter = die(message(headers={"x-death": known}))
    history = history_of(letter.run[0])
    assert len(history) == DEATHS_MAX
    assert history[0] == ("jobs", "rejected", 1)
    assert history[-1] == (f"q{DEATHS_MAX - 2}", "expired", 1)


# ── expiration and the other properties ──


def test_the_expiration_moves_to_the_entry_so_that_it_does_not_expire_again() -> None:
    letter = die(message(b"m", expiration="250", priority=4, delivery_mode=2, message_id="i"))
    record = letter.run[0]
    properties = split(record.header)
    assert list(properties.raw) == ["headers", "delivery_mode", "priority", "message_id"]
    assert properties.text("message_id") == "i"
    assert (record.ttl_ms, record.priority) == (NO_TTL, 4)
    assert record.flags & (HAS_EXPIRATION | HAS_HEADERS | PERSISTENT) == HAS_HEADERS | PERSISTENT
    assert traits_of(record.header) == record[3:], "what is kept beside the header agrees with it"


def test_a_second_death_has_no_expiration_to_tell_of() -> None:
    first = die(message(expiration="250"), EXPIRED, "a")
    second = die(first.run[0], EXPIRED, "b")
    assert ["original-expiration" in entry for entry in deaths_of(second.run[0])] == [False, True]


def test_the_body_is_untouched() -> None:
    letter = die(message(b"four"))
    assert letter.run[0].body == b"four"
    assert split(letter.run[0].header).body_size_bytes == 4


# ── routing keys ──


def test_without_a_dead_letter_key_the_message_keeps_its_own_and_those_of_cc() -> None:
    letter = die(message(b"", "shop", "k", headers={"CC": ["c1", "c2"]}))
    assert letter.routing_keys == ("k", "c1", "c2")
    assert (letter.run[0].exchange, letter.run[0].routing_key) == ("dlx", "k")
    assert plain_headers(letter.run[0])["CC"] == ["c1", "c2"]


def test_a_dead_letter_key_replaces_all_of_them_and_cc_goes() -> None:
    letter = die(message(b"", "shop", "k", headers={"CC": ["c1"]}), routing_key_to="dead")
    assert letter.routing_keys == ("dead",)
    assert (letter.run[0].exchange, letter.run[0].routing_key) == ("dlx", "dead")
    assert "CC" not in headers_of(letter.run[0])


@pytest.mark.parametrize("routing_key_to", [None, "dead"])
def test_the_entry_tells_of_all_keys_that_the_message_had(routing_key_to: str | None) -> None:
    letter = die(message(b"", "", "k", headers={"CC": ["c"]}), routing_key_to=routing_key_to)
    assert plain(deaths_of(letter.run[0])[0]["routing-keys"]) == ["k", "c"]


@pytest.mark.parametrize(
    ("copies", "keys"),
    [
        ("no array", ["k"]),
        ([1, "c", b"octets", ["inner"], {"a": "b"}], ["k", "c"]),
        ([], ["k"]),
        (None, ["k"]),
    ],
)
def test_only_longstrs_in_an_array_are_keys(copies: object, keys: list[str]) -> None:
    letter = die(message(b"", "", "k", headers={"CC": copies}))
    assert letter.routing_keys == tuple(keys)


def test_an_empty_dead_letter_key_is_a_key() -> None:
    assert die(message(b"", "", "k"), routing_key_to="").routing_keys == ("",)


def test_names_that_are_not_utf_8_come_through() -> None:
    letter = die(message(b"", "", "\udcff"), queue_name="caf\u00e9\udc80")
    entry = deaths_of(letter.run[0])[0]
    assert entry["queue"] == Field("S", b"caf\xc3\xa9\x80")
    assert entry["routing-keys"] == Field("A", [Field("S", b"\xff")])
    assert letter.run[0].routing_key == "\udcff"


# ── cycles ──


@pytest.mark.parametrize(
    ("deaths", "target", "is_cycle"),
    [
        ([("a", EXPIRED)], "b", False),
        ([("a", EXPIRED)], "a", True),
        ([("a", EXPIRED), ("b", EXPIRED)], "a", True),
        ([("a", REJECTED)], "a", False),
        ([("a", EXPIRED), ("b", REJECTED)], "a", False),
        ([("a", REJECTED), ("b", EXPIRED)], "b", True),
        ([("a", REJECTED), ("b", EXPIRED)], "a", False),
        ([("a", REJECTED), ("a", EXPIRED)], "a", True),
        ([("a", MAXLEN), ("b", DELIVERY_LIMIT)], "a", True),
    ],
)
def test_a_cycle_is_one_that_nobody_rejected_in(
    deaths: Sequence[tuple[str, DeathReason]], target: str, *, is_cycle: bool
) -> None:
    assert die_in_turn(message(), *deaths).is_cycle(target) is is_cycle
