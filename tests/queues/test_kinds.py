"""The table of queue kinds, and what a row answers."""

import pytest

from queues.kinds import (
    CLASSIC,
    DEFAULT_KIND,
    KINDS,
    QUORUM,
    STREAM,
    QueueKind,
    Request,
    refused_flag,
    refused_unnamed,
    requests_of,
)
from queues.options import QueueOptions

SINGLE_ACTIVE = QueueOptions(single_active_consumer=True)


def test_a_row_is_found_by_its_name() -> None:
    assert KINDS == {"classic": CLASSIC, "quorum": QUORUM, "stream": STREAM}
    assert DEFAULT_KIND is CLASSIC


@pytest.mark.parametrize("kind", KINDS.values())
def test_a_row_names_its_type_among_its_arguments(kind: QueueKind) -> None:
    assert "x-queue-type" in kind.arguments
    assert kind.module == f"rabbit_{kind.name}_queue"


def test_a_classic_queue_grants_everything() -> None:
    assert [request for request in Request if CLASSIC.refusal(request, SINGLE_ACTIVE)] == []


def test_a_quorum_queue_refuses_what_it_does_not_do() -> None:
    assert [request for request in Request if QUORUM.refusal(request, QueueOptions())] == [
        Request.AUTO_DELETE,
        Request.EXCLUSIVE,
        Request.TRANSIENT,
        Request.UNNAMED,
        Request.DELETE_IF_UNUSED,
        Request.DELETE_IF_EMPTY,
        Request.SHARED_PREFETCH,
    ]


def test_a_refusal_can_be_for_a_single_active_consumer_alone() -> None:
    assert QUORUM.refusal(Request.GET) is None
    assert QUORUM.refusal(Request.GET, QueueOptions()) is None
    assert QUORUM.refusal(Request.GET, SINGLE_ACTIVE) is not None


def test_the_flags_of_a_declare_are_asked_for_in_rabbitmqs_order() -> None:
    assert requests_of(durable=True, exclusive=False, auto_delete=False) == []
    assert requests_of(durable=False, exclusive=True, auto_delete=True) == [
        Request.AUTO_DELETE,
        Request.EXCLUSIVE,
        Request.TRANSIENT,
    ]


def test_the_texts_of_refusals_that_several_kinds_have() -> None:
    assert refused_flag("non-durable").text == "invalid property 'non-durable' for {queue}"
    assert refused_unnamed("rabbit_x").text == (
        "Cannot declare a server-named queue for type rabbit_x"
    )
