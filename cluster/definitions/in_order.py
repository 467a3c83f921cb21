"""What one client asks for in a row: several inquiries in few questions, and as if one by one.

    declare a, declare b, declare c ─▶ one transaction: all three are made, or none
    declare a, declare b (both there) ─▶ one look-up of both
    declare a, bind a                 ─▶ one after the other: the second needs the first

Where one of them fails, none behind it may have an effect: the client's channel is closed by then.
So only those go together that nothing can come between. They only look up, or they are all created
by one transaction, which is carried out as a whole. Where it is refused, each is asked for by
itself, and the first that fails is the last that is asked for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cluster.definitions.inquiry import Answer, Inquiry, Question
from cluster.definitions.joining import CHANGES_MAX, READS_MAX, joined, only_reads
from cluster.metadata.port import Done, Refused

Make: TypeAlias = Callable[[], Inquiry[int]]
"""Begins an inquiry; one that was begun and not asked for is begun anew."""


@dataclass(slots=True)
class _Begun:
    """An inquiry with its first question; None: it has ended without one.

    Attributes:
        ended: the revision that it has returned, or what it has raised.
    """

    inquiry: Inquiry[int]
    question: Question | None
    ended: int | Exception = 0


def in_order(makes: Sequence[Make]) -> Inquiry[tuple[list[int], Exception | None]]:
    """Run inquiries; return what those before the first error have returned, and that error.

    Args:
        makes: what is asked for, in its order.
    """
    revisions: list[int] = []
    while len(revisions) < len(makes):
        some = _beginning(makes[len(revisions) :])
        try:
            error = yield from _asking(some, revisions)
        finally:
            for each in some:
                each.inquiry.close()
        if error is not None:
            return revisions, error
    return revisions, None


def _beginning(makes: Sequence[Make]) -> list[_Begun]:
    """Begin the first inquiry, and those that may go with it."""
    some = [_begin(makes[0])]
    first = some[0].question
    reads = first is not None and only_reads(first)
    for make in makes[1 : READS_MAX if reads else CHANGES_MAX] if first is not None else ():
        begun = _begin(make)
        some.append(begun)
        if begun.question is None or only_reads(begun.question) is not reads:
            break
    return some


def _begin(make: Make) -> _Begun:
    inquiry = make()
    try:
        return _Begun(inquiry, next(inquiry))
    except StopIteration as end:
        return _Begun(inquiry, None, end.value)
    except Exception as error:  # noqa: BLE001 - what the client is told, in its turn
        return _Begun(inquiry, None, error)


def _asking(some: list[_Begun], revisions: list[int]) -> Inquiry[Exception | None]:
    """Ask for the first, and for those that go with it; return the error of one of them."""
    if some[0].question is None:
        return _note(some[0].ended, revisions)
    request = joined([each.question for each in some if each.question is not None])
    count = len(request.numbers)
    if request.numbers != tuple(range(count)):  # one in between has to come before
        count = next(at for at, number in enumerate(request.numbers) if at != number)
        request = joined([each.question for each in some[:count] if each.question is not None])
    answer = yield request.question
    if count == 1:
        return _note((yield from _ending(some[0], answer)), revisions)
    assert isinstance(answer, Done | Refused), answer
    for begun, its in zip(some, request.answers(answer), strict=False):
        error = _note((yield from _ending(begun, its)), revisions)
        if error is not None:
            return error
    return None


def _ending(begun: _Begun, answer: Answer | None) -> Inquiry[int | Exception]:
    """Hand an answer on, and ask what else there is to ask; return its revision or its error.

    Args:
        begun: the inquiry.
        answer: to its question; None: it is asked by itself.
    """
    assert begun.question is not None, "it has asked"
    try:
        question = begun.inquiry.send(answer or (yield begun.question))
        while True:
            question = begun.inquiry.send((yield question))
    except StopIteration as end:
        revision: int = end.value
        return revision
    except Exception as error:  # noqa: BLE001 - what the client is told
        return error


def _note(ended: int | Exception, revisions: list[int]) -> Exception | None:
    if isinstance(ended, Exception):
        return ended
    revisions.append(ended)
    return None
