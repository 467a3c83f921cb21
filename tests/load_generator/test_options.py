"""Options become queues, bindings, keys and a load; what cannot be obeyed is refused."""

from dataclasses import replace

import pytest

from load_generator import options as options_module
from load_generator.load import Binding, Load, Settle, Topology
from load_generator.options import (
    OptionError,
    Options,
    expand,
    load_of,
    parse_ack,
    parse_fields,
    topology_of,
)


def planned(options: Options) -> tuple[Topology, Load]:
    topology = topology_of(options, "p")
    return topology, load_of(options, topology)


# ── values ──


@pytest.mark.parametrize(
    ("text", "expected"),
    [("auto", (Settle.AUTO, 1)), ("each", (Settle.EACH, 1)), ("multi:100", (Settle.MULTIPLE, 100))],
)
def test_acks_are_read(text: str, expected: tuple[Settle, int]) -> None:
    assert parse_ack(text) == expected


@pytest.mark.parametrize("text", ["", "multi", "multi:0", "multi:-1", "multi:x", "each:2", "Auto"])
def test_other_acks_are_refused(text: str) -> None:
    with pytest.raises(OptionError, match="auto, each or multi:N"):
        parse_ack(text)


def test_fields_are_numbers_truths_or_text() -> None:
    fields = parse_fields(["x-max-length=10,x-queue-type=quorum", "lazy=true", "a=", "b=c=d"])
    assert fields == {
        "x-max-length": 10,
        "x-queue-type": "quorum",
        "lazy": True,
        "a": "",
        "b": "c=d",
    }
    assert fields["lazy"] is True
    assert parse_fields(["n=-5", "long=1234567890123456789"]) == {
        "n": -5,
        "long": "1234567890123456789",
    }


@pytest.mark.parametrize("text", ["novalue", "=1", "a=1,,b=2"])
def test_what_is_no_field_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="not name=value"):
        parse_fields([text])


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("key", ["key"]),
        ("key-%d", ["key-8", "key-9", "key-10"]),
        ("%03d.x", ["008.x", "009.x", "010.x"]),
        ("100%", ["100%"]),
        ("%s%5d", ["%s%5d"]),
    ],
)
def test_a_pattern_counts(pattern: str, expected: list[str]) -> None:
    assert expand(pattern, range(8, 11)) == expected


def test_a_pattern_counts_in_one_place() -> None:
    with pytest.raises(OptionError, match="more than one %d"):
        expand("%d.%d", range(3))


# ── queues ──


def test_queues_have_names_of_the_runs_own() -> None:
    topology, load = planned(Options(queues=2))
    assert topology == Topology(["p.1", "p.2"])
    assert load.consumer_queues == ["p.1", "p.2"]


def test_a_name_is_taken_as_it_is_and_shared() -> None:
    topology, _ = planned(Options(queue_name="100%d"))
    assert (topology.queues, topology.is_shared) == (["100%d"], True)


def test_a_pattern_names_every_queue_from_one() -> None:
    topology, _ = planned(Options(queues=2, queue_pattern="jobs-%d"))
    assert (topology.queues, topology.is_shared) == (["jobs-1", "jobs-2"], True)


@pytest.mark.parametrize(
    "options", [Options(queues=2, queue_pattern="jobs"), Options(queues=2, queue_name="jobs")]
)
def test_one_name_is_not_enough_for_two_queues(options: Options) -> None:
    with pytest.raises(OptionError, match="2 queues need"):
        planned(options)


@pytest.mark.parametrize(
    ("options", "durable"),
    [
        (Options(), False),
        (Options(persistent=True), True),
        (Options(queue_arguments={"x-queue-type": "quorum"}), True),
        (Options(queue_arguments={"x-queue-type": "classic"}), False),
    ],
)
def test_queues_are_durable_where_messages_are_or_the_type_must(
    options: Options, *, durable: bool
) -> None:
    assert planned(options)[0].durable is durable


def test_consumers_are_dealt_over_the_queues() -> None:
    assert planned(Options(queues=2, consumers=3))[1].consumer_queues == ["p.1", "p.2", "p.1"]
    assert planned(Options(queues=2, consumers=0))[1].consumer_queues == []


def test_a_queue_that_nobody_would_consume_is_refused() -> None:
    with pytest.raises(OptionError, match="3 queues need as many consumers, or none; not 2"):
        planned(Options(queues=3, consumers=2))


# ── keys and bindings ──


@pytest.mark.parametrize(
    ("producers", "expected"),
    [
        (1, [["p.1", "p.2", "p.3"]]),
        (2, [["p.1", "p.3"], ["p.2"]]),
        (4, [["p.1"], ["p.2"], ["p.3"], ["p.1"]]),
    ],
)
def test_over_the_default_exchange_queues_are_dealt_over_the_producers(
    producers: int, expected: list[list[str]]
) -> None:
    assert planned(Options(producers=producers, queues=3))[1].publisher_keys == expected


def test_a_routing_key_without_an_exchange_is_published_as_it_is() -> None:
    topology, load = planned(Options(routing_key="nowhere", mandatory=True))
    assert (topology.bindings, load.publisher_keys) == ((), [["nowhere"]])
    assert load.backlog_max == 0, "nobody can tell what arrives"


@pytest.mark.parametrize("kind", ["direct", "topic"])
def test_keys_are_bound_to_the_queues_in_turn(kind: str) -> None:
    topology, load = planned(Options(queues=2, exchange_kind=kind, routing_key="k%d", key_count=3))
    assert topology.bindings == [Binding("p.1", "k0"), Binding("p.2", "k1"), Binding("p.1", "k2")]
    assert load.publisher_keys == [["k0", "k1", "k2"]]


def test_one_key_reaches_every_queue() -> None:
    topology, _ = planned(Options(queues=2, exchange_kind="direct", routing_key="k"))
    assert topology.bindings == [Binding("p.1", "k"), Binding("p.2", "k")]


def test_without_a_key_each_queue_has_its_own() -> None:
    topology, load = planned(Options(queues=2, exchange_kind="direct"))
    assert topology.bindings == [Binding("p.1", "key.0"), Binding("p.2", "key.1")]
    assert load.publisher_keys == [["key.0", "key.1"]]


def test_a_binding_key_binds_every_queue() -> None:
    topology, load = planned(
        Options(queues=2, exchange_kind="topic", routing_key="a.%d", binding_key="#", key_count=5)
    )
    assert topology.bindings == [Binding("p.1", "#"), Binding("p.2", "#")]
    assert len(load.publisher_keys[0]) == 5


def test_a_fanout_copies_to_every_queue() -> None:
    topology, load = planned(Options(queues=3, exchange_kind="fanout"))
    assert [bound.key for bound in topology.bindings] == ["", "", ""]
    assert (load.publisher_keys, load.copies) == ([[""]], 3)


@pytest.mark.parametrize("kind", ["x-consistent-hash", "x-modulus-hash", "x-random"])
def test_queues_that_share_keys_out_are_bound_alike(kind: str) -> None:
    topology, load = planned(Options(queues=3, exchange_kind=kind, key_count=7))
    assert [bound.key for bound in topology.bindings] == ["1", "1", "1"]
    assert load.publisher_keys == [[f"key.{number}" for number in range(7)]]
    assert load.copies == 1


def test_the_queues_of_a_super_stream_are_numbered() -> None:
    topology, load = planned(Options(queues=3, exchange_kind="x-super-stream", key_count=7))
    assert [bound.key for bound in topology.bindings] == ["0", "1", "2"]
    assert len(load.publisher_keys[0]) == 7


def test_headers_bind_to_what_is_published() -> None:
    topology, load = planned(Options(exchange_kind="headers", headers={"a": 1}))
    assert topology.bindings == [Binding("p.1", "", {"a": 1, "x-match": "all"})]
    assert b"x-match" not in load.properties


def test_a_headers_exchange_without_headers_is_refused() -> None:
    with pytest.raises(OptionError, match="at least one"):
        planned(Options(exchange_kind="headers"))


def test_random_keys_are_of_the_range_and_the_same_in_every_run() -> None:
    options = Options(
        exchange_kind="direct", routing_key="k%d", key_count=50, random_keys=True, producers=2
    )
    first, second = planned(options)[1].publisher_keys
    assert first is second
    assert set(first) == {f"k{number}" for number in range(50)}
    assert first != sorted(first)
    assert planned(options)[1].publisher_keys[0] == first


@pytest.mark.parametrize(
    "options",
    [
        Options(queues=options_module.QUEUES_MAX + 1),
        Options(exchange_kind="topic", routing_key="%d", key_count=options_module.KEYS_MAX + 1),
        Options(queues=101, exchange_kind="topic", binding_key="%d", key_count=1_000),
    ],
)
def test_more_than_the_limits_is_refused(options: Options) -> None:
    with pytest.raises(OptionError, match="at most"):
        planned(options)


# ── the load ──


def test_options_reach_the_load() -> None:
    load = planned(
        Options(
            body=b"y" * 20,
            mandatory=True,
            rate_per_s=5,
            confirm_window=7,
            prefetch_count=100,
            ack="multi:10",
            message_count=9,
            backlog=33,
            measures_latency=True,
        )
    )[1]
    assert (load.body, load.mandatory, load.rate_per_s) == (b"y" * 20, True, 5)
    assert (load.confirm_window, load.prefetch_count, load.ack_every) == (7, 100, 10)
    assert (load.message_count_max, load.backlog_max, load.has_instants) == (9, 33, True)


def test_persistent_messages_have_another_delivery_mode() -> None:
    modes = [planned(Options(persistent=each))[1].properties[-1] for each in (False, True)]
    assert modes == [1, 2]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (Options(producers=0, consumers=0), "neither"),
        (Options(body=b"1234567", measures_latency=True), "8 bytes"),
        (Options(ack="multi:11", prefetch_count=10), "waits for more"),
    ],
)
def test_contradictions_are_refused(options: Options, text: str) -> None:
    with pytest.raises(OptionError, match=text):
        planned(options)


@pytest.mark.parametrize(
    ("options", "backlog_max"),
    [
        (Options(), options_module.BACKLOG_DEFAULT),
        (Options(body=bytes(1 << 20)), 64),
        (Options(consumers=0), 0),
        (Options(producers=0), 0),
        (Options(backlog=0), 0),
        (Options(exchange_kind="topic", binding_key="#"), 0),
        (Options(exchange_kind="topic"), options_module.BACKLOG_DEFAULT),
    ],
)
def test_a_backlog_is_bounded_where_deliveries_can_be_foretold(
    options: Options, backlog_max: int
) -> None:
    assert planned(options)[1].backlog_max == backlog_max


def test_what_consumers_take_of_a_full_queue_is_bounded_by_them() -> None:
    load = planned(replace(Options(), producers=0, message_count=5))[1]
    assert (load.message_count_max, load.publisher_keys) == (0, [])
