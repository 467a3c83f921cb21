"""An x-death that a client has sent: what of it goes on, and that none can raise."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amqp_server.broker.moves.dead_letters import COUNT_MAX, DEATHS_MAX
from amqp_server.wire.properties import split, traits_of
from amqp_server.wire.tables import Field, longstr, plain
from persistence.record import Record
from queues.effects import DeathReason
from tests.support.dead_letters import REJECTED, deaths_of, die, history_of
from tests.support.frames import content_header, property_list
from tests.support.vhosts import message


@pytest.mark.parametrize(
    ("counts", "count"),
    [
        ([None], 1),
        ([None, None, None], 4),
        ([4, None, None], 5),
        ([None, 4, 2], 4),
        ([4, 5], 5),
    ],
)
def test_entries_of_one_kind_that_old_brokers_made_become_one(
    counts: Sequence[int | None], count: int
) -> None:
    """As RabbitMQ 3.10 answered."""
    old = {"queue": "jobs", "reason": "rejected"}
    deaths = [{**old, "n": n, **({"count": c} if c else {})} for n, c in enumerate(counts)]
    others_sent = [{"queue": "a", "reason": "expired"}] if len(deaths) > 1 else []
    letters = die(message(headers={"x-death": [*others_sent, *deaths]}))
    entry, *others = deaths_of(letters.run[0])
    assert (plain(entry["count"]), plain(entry["n"])) == (count, 0), "the first stands for all"
    seen = [(plain(other["queue"]), plain(other["count"])) for other in others]
    assert seen == [("a", 1) for _ in others_sent]


def test_a_count_that_a_client_sent_goes_on() -> None:
    sent = {"x-death": [{"queue": "jobs", "reason": "rejected", "count": 7}]}
    assert history_of(die(message(headers=sent)).run[0]) == [("jobs", "rejected", 8)]


def test_what_else_a_client_put_into_the_entry_stays() -> None:
    sent = {"x-death": [{"queue": "jobs", "reason": "rejected", "mine": 1}]}
    (entry,) = deaths_of(die(message(headers=sent)).run[0])
    assert entry["mine"] == Field("l", 1)
    assert entry["count"] == Field("l", 1), "there was no count to go on with"


@pytest.mark.parametrize(
    "count",
    [
        Field("l", COUNT_MAX),
        Field("T", (1 << 64) - 1),
        Field("t", value=True),
        Field("d", 1.5),
        Field("D", (1, 5)),
        longstr("many"),
        Field("A", []),
        Field("V", None),
    ],
)
def test_a_count_stays_within_its_type_whatever_a_client_sent(count: Field) -> None:
    sent = {"x-death": [{"queue": "jobs", "reason": "rejected", "count": count}]}
    (entry,) = deaths_of(die(message(headers=sent)).run[0])
    assert entry["count"] == Field("l", COUNT_MAX if count.value == COUNT_MAX else 1)


@pytest.mark.parametrize(
    "sent", ["text", 5, None, [], {"queue": "jobs"}, ["text", 5], [[{"queue": "jobs"}]]]
)
def test_an_x_death_that_is_none_is_replaced(sent: object) -> None:
    letter = die(message(headers={"x-death": sent}))
    assert history_of(letter.run[0]) == [("jobs", "rejected", 1)]


def test_entries_that_are_tables_are_kept_from_among_others() -> None:
    sent: list[object] = ["text", {"queue": "a", "reason": "expired", "count": 2}, 5]
    letter = die(message(headers={"x-death": sent}))
    assert history_of(letter.run[0]) == [("jobs", "rejected", 1), ("a", "expired", 2)]


def test_more_entries_than_are_kept_are_cut() -> None:
    sent: list[object] = [{"queue": str(index)} for index in range(DEATHS_MAX * 2)]
    letter = die(message(headers={"x-death": sent}))
    names = [plain(entry["queue"]) for entry in deaths_of(letter.run[0])]
    assert names == ["jobs", *map(str, range(DEATHS_MAX - 1))]


@pytest.mark.parametrize("content", [b"\x01kZ", b"\x01", b"\x01kS\x00\x00\x00\x09"])
def test_headers_that_cannot_be_read_are_given_up(content: bytes) -> None:
    octets = len(content).to_bytes(4, "big") + content
    header = content_header(1, property_list(headers=octets, message_id="i"))
    letter = die(Record(message().route, header, b"m", *traits_of(header)))
    assert history_of(letter.run[0]) == [("jobs", "rejected", 1)]
    assert split(letter.run[0].header).text("message_id") == "i"


INTEGERS = {"b": 7, "s": 15, "I": 31, "l": 63, "L": 63}
LEAVES = st.one_of(
    *[
        st.builds(Field, st.just(kind), st.integers(-(1 << bits), (1 << bits) - 1))
        for kind, bits in INTEGERS.items()
    ],
    st.builds(Field, st.just("B"), st.integers(0, 255)),
    st.builds(Field, st.just("T"), st.integers(0, (1 << 64) - 1)),
    st.builds(Field, st.just("d"), st.floats()),
    st.builds(Field, st.just("t"), st.booleans()),
    st.builds(Field, st.just("S"), st.binary(max_size=6)),
    st.builds(Field, st.just("x"), st.binary(max_size=6)),
    st.builds(Field, st.just("D"), st.tuples(st.integers(0, 255), st.integers(0, 9))),
    st.just(Field("V", None)),
    st.sampled_from([longstr("jobs"), longstr("rejected"), Field("l", COUNT_MAX)]),
)
DEATH_KEYS = st.sampled_from(["queue", "reason", "count", "time", "exchange", "routing-keys", "?"])


def _nested(inner: st.SearchStrategy[Field]) -> st.SearchStrategy[Field]:
    arrays = st.lists(inner, max_size=4).map(lambda fields: Field("A", fields))
    tables = st.dictionaries(DEATH_KEYS, inner, max_size=5).map(lambda table: Field("F", table))
    return arrays | tables


FIELDS = st.recursive(LEAVES, _nested, max_leaves=12)
DEATH_HEADERS = st.fixed_dictionaries(
    {"x-death": st.lists(FIELDS, max_size=4).map(lambda fields: Field("A", fields)) | FIELDS},
    optional=dict.fromkeys(
        ("CC", "x-first-death-queue", "x-first-death-exchange", "x-first-death-reason"), FIELDS
    ),
)


@settings(max_examples=50)
@given(headers=DEATH_HEADERS, reason=st.sampled_from(DeathReason), key=st.sampled_from([None, "k"]))
def test_no_x_death_of_a_client_can_raise(
    headers: Mapping[str, Field], reason: DeathReason, key: str | None
) -> None:
    letter = die(message(headers=dict(headers)), reason, routing_key_to=key)
    for _ in range(2):
        assert plain(deaths_of(letter.run[0])[0]["reason"]) == reason.value
        assert letter.is_cycle("jobs") is (reason is not REJECTED)
        letter = die(letter.run[0], reason, routing_key_to=key)
