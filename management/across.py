"""Totals over all nodes: each other node is asked the same, and its numbers are added.

A node is asked once for all who ask the same within ``SHARED_MS``. One that does not answer in time
is not in the totals.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from management.call import Call
from management.forwarding import Forwarded, Forwarding
from management.http.request import Query
from management.http.response import Response

_RANGES: Final = ("_age", "_incr")
_OK: Final = 200


async def answers_of_others(call: Call) -> list[Any]:
    """Return what the other nodes answer to a request, as JSON, without pages and columns."""
    services = call.services
    if services.peers is None or call.is_forwarded:
        return []
    request = call.request
    pairs = [pair for pair in request.query.pairs() if pair[0].endswith(_RANGES)]
    forwarding = Forwarding(services.node, services.identity.node, services.peers)
    forwarded = Forwarded(replace(request, query=Query(pairs)), call.account)
    key = (request.path, tuple(pairs), call.account.name, call.account.is_operator)
    answers = await services.told.shared(key, partial(forwarding.answers_of_all, forwarded))
    return [_json_of(each) for each in answers if each is not None and each.status == _OK]


def _json_of(answer: Response) -> Any:  # noqa: ANN401 -- it is JSON
    assert isinstance(answer.body, bytes), "an answer of another node is whole"
    return json.loads(answer.body)


def added(own: Any, others: Iterable[Any]) -> Any:  # noqa: ANN401 -- it is JSON
    """Return the numbers of an object with those of the same objects of other nodes added.

    What is no number, and the time of a sample, is as it is here. What another node lacks counts
    nothing.
    """
    for other in others:
        own = _sum(own, other)
    return own


def _sum(own: Any, other: Any) -> Any:  # noqa: ANN401 -- it is JSON
    if isinstance(own, bool) or isinstance(other, bool):
        return own
    if isinstance(own, int | float) and isinstance(other, int | float):
        return own + other
    if isinstance(own, Mapping) and isinstance(other, Mapping):
        return {
            name: _sum(value, other[name]) if name in other and name != "timestamp" else value
            for name, value in own.items()
        }
    if isinstance(own, list) and isinstance(other, list) and len(own) == len(other):
        return [_sum(one, another) for one, another in zip(own, other, strict=True)]
    return own
