"""What nodes say to each other of members of groups, as the JSON of a question and an answer.

    question   [visit, heard, first, changes]    the node of the members asks the leader's
               visit      [incarnation, number]: another one begins anew
               change     ["join", member, epoch, vhost, stream, name, partition, since, active,
                           stored id]
                          ["leave", member] │ ["answered", member]
    answer     [heard, first, words]
               word       [member, epoch, what]

``heard`` and ``first`` are numbers of ``saying``: of the other side's, and of one's own.
A node of an older release says and hears no stored id: the stream is then the one that has the
name where that is heard.
"""

from enum import IntEnum
from typing import Any, Final, NamedTuple, TypeAlias

from amqp_server.broker.groups.single_active import PLAIN, GroupKey
from persistence.streams.chunk import REFERENCE_BYTES_MAX

Visit: TypeAlias = tuple[int, int]
"""Incarnation of a node, and a number in it: a later one is larger."""

JOIN: Final = "join"
LEAVE: Final = "leave"
ANSWERED: Final = "answered"

NAME_BYTES_MAX: Final = 4 * REFERENCE_BYTES_MAX
"""Of a vhost or stream: 255 octets, written as UTF-8."""

STORED_ID_BYTES_MAX: Final = 255

_JOIN_FIELDS: Final = 8
"""Without the stored id."""


class What(IntEnum):
    """What a leader's node says to a member."""

    INACTIVE = 0
    ACTIVE = 1
    NOT_HERE = 2
    """It does not lead the stream in this epoch: the member is in no group here."""
    FULL = 3
    """The group, or the place for this node's members, has no room: it is in no group here."""


class Joining(NamedTuple):
    """A member that joins.

    Attributes:
        member: its number on its node.
        key: of the group; its epoch is the one that the node of the member knows.
        partition_index: see ``Groups.join``.
        since_ms: when it came (wall clock).
        is_active: it reads already; see ``Groups.join``.
    """

    member: int
    key: GroupKey
    partition_index: int
    since_ms: int
    is_active: bool


class Change(NamedTuple):
    """What became of a member; ``joining`` is None of one that leaves or has answered."""

    kind: str
    member: int
    joining: Joining | None = None


class Question(NamedTuple):
    """See the module."""

    visit: Visit
    heard: int
    first: int
    changes: tuple[Change, ...]


class Word(NamedTuple):
    """See the module."""

    member: int
    epoch: int
    what: What


class Told(NamedTuple):
    """An answer; see the module."""

    heard: int
    first: int
    words: tuple[Word, ...]


def question_form(question: Question, *, has_ids: bool) -> list[object]:
    """Return a question as JSON has it.

    Args:
        question: that is asked.
        has_ids: whether the node that is asked knows of stored ids.
    """
    changes = [_change_form(each, has_ids=has_ids) for each in question.changes]
    return [list(question.visit), question.heard, question.first, changes]


def _change_form(change: Change, *, has_ids: bool) -> list[object]:
    joining = change.joining
    if joining is None:
        return [change.kind, change.member]
    vhost, stream, name, epoch, stored_id = joining.key
    place = [vhost, stream, name, joining.partition_index, joining.since_ms, joining.is_active]
    ids = [stored_id] if has_ids else []
    return [change.kind, change.member, epoch, *place, *ids]


def question_of(form: Any) -> Question:  # noqa: ANN401 -- it is JSON of another node
    """Return the question in JSON of another node.

    Raises:
        ValueError: there is none.
    """
    visit, heard, first, changes = _list(form, 4)
    incarnation, number = _list(visit, 2)
    taken = tuple(map(_change, _list(changes)))
    return Question((_number(incarnation), _number(number)), _number(heard), _number(first), taken)


def _change(form: Any) -> Change:  # noqa: ANN401 -- it is JSON of another node
    kind, *fields = _list(form)
    if kind in (LEAVE, ANSWERED):
        return Change(kind, _number(*_list(fields, 1)))
    if kind != JOIN:
        raise ValueError(f"no change: {kind!r:.40}")
    *fields, stored_id = fields if len(fields) == _JOIN_FIELDS + 1 else [*fields, ""]
    member, epoch, vhost, stream, name, partition_index, since_ms, is_active = _list(
        fields, _JOIN_FIELDS
    )
    key = GroupKey(
        _text(vhost, NAME_BYTES_MAX),
        _text(stream, NAME_BYTES_MAX),
        _text(name, REFERENCE_BYTES_MAX),
        _number(epoch),
        _text(stored_id, STORED_ID_BYTES_MAX),
    )
    partition_index = PLAIN if partition_index == PLAIN else _number(partition_index)
    joining = Joining(
        _number(member), key, partition_index, _number(since_ms), _number(is_active) == 1
    )
    return Change(kind, joining.member, joining)


def told_form(told: Told) -> list[object]:
    """Return an answer as JSON has it."""
    return [told.heard, told.first, [list(each) for each in told.words]]


def told_of(form: Any) -> Told:  # noqa: ANN401 -- it is JSON of another node
    """Return the answer in JSON of another node.

    Raises:
        ValueError: there is none.
    """
    heard, first, words = _list(form, 3)
    return Told(_number(heard), _number(first), tuple(map(_word, _list(words))))


def _word(form: Any) -> Word:  # noqa: ANN401 -- it is JSON of another node
    member, epoch, what = _list(form, 3)
    return Word(_number(member), _number(epoch), What(_number(what)))


def _list(form: Any, count: int | None = None) -> list[Any]:  # noqa: ANN401 -- see above
    if not isinstance(form, list) or (count is not None and len(form) != count):
        raise ValueError("expected a list")
    return form


def _number(form: Any) -> int:  # noqa: ANN401 -- see above
    if not isinstance(form, int) or not 0 <= form < 1 << 64:
        raise ValueError("expected a number")
    return int(form)


def _text(form: Any, bytes_max: int) -> str:  # noqa: ANN401 -- see above
    if not isinstance(form, str) or len(form.encode("utf-8", "surrogateescape")) > bytes_max:
        raise ValueError("expected a text")
    return form
