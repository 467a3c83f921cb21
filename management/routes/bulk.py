"""Many queues at once: ``queues/bulk`` deletes or purges them, or says what that would lose."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final, NamedTuple

from amqp_server.broker.admin import BrokerError
from amqp_server.broker.views import Pattern, PatternError, QueueView
from management.access.authorization import NO_VHOST_ACCESS
from management.call import Call
from management.http.body import text_of, truth_of
from management.http.errors import bad_request, missing, not_authorised
from management.http.response import Response, answer
from management.routing.route import Right, Route
from management.vhost_commands import things

BULK_MAX: Final = 1_000
"""Queues of one request."""

BULK_MS: Final = 20_000
"""After this time no further queue is begun; the answer says which are left."""

_KEYS: Final = frozenset({"action", "vhost", "names", "filter", "after", "dry_run"})
_ACTIONS: Final = frozenset({"delete", "purge"})


class _Wanted(NamedTuple):
    """What a request asks for.

    Attributes:
        names: of the queues; None where ``pattern`` finds them.
        after: with a pattern, only names behind this one.
    """

    action: str
    vhost: str
    names: tuple[str, ...] | None
    pattern: Pattern | None
    after: str
    is_dry_run: bool


async def bulk(call: Call) -> Response:
    """Delete or purge queues, one after the other; a dry run says what would be lost."""
    wanted = _wanted(call)
    _require_vhost(call, wanted.vhost)
    names, matched_count, gave_up_count = await _names(call, wanted)
    by_ms = call.node.now_ms() + BULK_MS
    rows: list[dict[str, Any]] = []
    messages = consumers = 0
    next_name = names[-1] if wanted.names is None and matched_count > len(names) else None
    for name in names:
        if call.node.now_ms() >= by_ms:
            if wanted.names is None:
                next_name = rows[-1]["name"] if rows else wanted.after
            rows += [{"name": each, "outcome": "left"} for each in names[len(rows) :]]
            break
        row = await _row(call, wanted, name)
        rows.append(row)
        if row["outcome"] in {"done", "would be done"}:
            messages += row["messages"]
            consumers += row["consumers"]
        if call.node.slices.is_spent():
            await call.node.slices.pause()
    body = {
        "action": wanted.action,
        "vhost": wanted.vhost,
        "dry_run": wanted.is_dry_run,
        "matched": matched_count,
        "gave_up": gave_up_count,
        "messages": messages,
        "consumers": consumers,
        "queues": rows,
        "next": next_name,
    }
    return answer(body)


async def _row(call: Call, wanted: _Wanted, name: str) -> dict[str, Any]:
    """Do it to a queue, unless it is a dry run; return what came of it."""
    view = call.node.views.queue(wanted.vhost, name)
    row: dict[str, Any] = {"name": name}
    if view is None:
        return row | {
            "outcome": "refused",
            "reason": f"no queue '{name}' in vhost '{wanted.vhost}'",
        }
    row |= _lost(view, wanted.action)
    if wanted.is_dry_run:
        return row | {"outcome": "would be done"}
    given: dict[str, object] = {"vhost": wanted.vhost, "name": name}
    if wanted.action == "delete":
        given |= {"if_unused": False, "if_empty": False}
    try:
        await call.node.command(f"{wanted.action}_queue", **given, username=call.account.asker)
    except BrokerError as error:
        return row | {"outcome": "refused", "reason": str(error)}
    return row | {"outcome": "done"}


def _lost(view: QueueView, action: str) -> dict[str, int]:
    """Return what is lost with a queue: a purge leaves unacked messages and consumers alone."""
    counts = view.counts
    if action == "purge":
        return {"messages": counts.ready_count, "consumers": 0}
    unacked_count = 0 if view.kind == "stream" else counts.unacked_count
    return {
        "messages": counts.ready_count + unacked_count,
        "consumers": counts.consumer_count,
    }


async def _names(call: Call, wanted: _Wanted) -> tuple[list[str], int, int]:
    """Return the queues that are meant, how many match, and how often a search gave up."""
    if wanted.pattern is None:
        names = list(wanted.names or ())
        return names, len(names), 0
    found: list[str] = []
    matched_count = gave_up_count = 0
    for name in _names_of(call, wanted.vhost):
        if name > wanted.after or not wanted.after:
            is_in = wanted.pattern.is_in(name.encode("utf-8", "surrogateescape"))
            gave_up_count += is_in is None
            if is_in:
                matched_count += 1
                if len(found) < BULK_MAX:
                    found.append(name)
        if call.node.slices.is_spent():
            await call.node.slices.pause()
    return found, matched_count, gave_up_count


def _names_of(call: Call, vhost: str) -> Iterator[str]:
    return things(partial(call.node.views.queue_names, vhost))


# ── what the request says ──


def _wanted(call: Call) -> _Wanted:
    body = call.body()
    for key in ("action", "vhost"):
        if key not in body:
            raise bad_request(f"[{{key_missing,{key}}}]")
    if unknown := sorted(body.keys() - _KEYS):
        # A dry run that is misspelt must not become a real one.
        raise bad_request(["unknown", *unknown])
    action = text_of(body, "action")
    if action not in _ACTIONS:
        raise bad_request("action: expected delete or purge")
    given = [key for key in ("names", "filter") if body.get(key) is not None]
    if len(given) != 1:
        raise bad_request("expected either names or a filter")
    is_filter = given == ["filter"]
    return _Wanted(
        action,
        text_of(body, "vhost"),
        None if is_filter else _names_in(body["names"]),
        _pattern(text_of(body, "filter")) if is_filter else None,
        text_of(body, "after", "") if is_filter else "",
        truth_of(body, "dry_run", default=False),
    )


def _names_in(given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or not all([isinstance(each, str) for each in given]):
        raise bad_request("names: expected a list of names")
    names = tuple(dict.fromkeys(given))
    if len(names) > BULK_MAX:
        raise bad_request(f"names: expected at most {BULK_MAX}")
    return names


def _pattern(text: str) -> Pattern:
    if not text:
        raise bad_request("filter: expected a pattern; .* is every queue")
    try:
        return Pattern(text)
    except PatternError as error:
        raise bad_request(f"filter: {error}") from error


def _require_vhost(call: Call, vhost: str) -> None:
    if not call.node.has_vhost(vhost):
        raise missing("vhost_not_found")
    if not call.may_enter(vhost):
        raise not_authorised(NO_VHOST_ACCESS)


ROUTES: Final = (
    Route(
        method="POST",
        path="queues/bulk",
        right=Right.USER,
        handler=bulk,
        summary="Delete or purge many queues, by names or by a pattern; dry_run says what is lost.",
        body="bulk",
        answer="bulk_done",
        extension=True,
    ),
)
