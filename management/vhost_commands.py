"""Commands on what is in a vhost, which the broker carries out as the user who asks.

Source: RabbitMQ 3.10, recorded answers: a right that is missing is 401 without the broker's text.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

from amqp_server.broker.admin import AccessRefusedError, NotFoundError
from amqp_server.broker.pages import Page
from management.call import Call
from management.http.errors import missing, not_authorised, not_found
from management.node import pages

Key = TypeVar("Key")
Item = TypeVar("Item")


def require_vhost(call: Call) -> None:
    """Refuse a request to change something in a vhost that there is not.

    Raises:
        HttpError: 404 ``vhost_not_found``.
    """
    if not call.node.has_vhost(call.vhost):
        raise missing("vhost_not_found")


def require_object(found: object) -> None:
    """Refuse a request for something that there is not.

    Raises:
        HttpError: 404, ``found`` is None.
    """
    if found is None:
        raise not_found()


async def change(call: Call, command: str, /, **given: object) -> object:
    """Carry out a command as the user who asks, in the vhost of the path; return its value.

    Args:
        call: the request.
        command: name of the command; see ``broker.admin``.
        given: its other arguments.

    Raises:
        BrokerError: it is refused; see ``management.refusals``.
        HttpError: 401, the user lacks a right.
    """
    try:
        return await call.node.command(
            command, **given, username=call.account.asker, vhost=call.vhost
        )
    except AccessRefusedError as error:
        raise not_authorised("Access refused.") from error


def things(look: Callable[[Key | None], Page[Key, Item]]) -> Iterator[Item]:
    """Yield what is in a vhost; if the vhost is deleted meanwhile, this ends.

    Args:
        look: returns the page behind a cursor.
    """
    try:
        for page in pages(look):
            yield from page
    except NotFoundError:
        return


async def matching(
    call: Call, items: Iterator[Item], is_wanted: Callable[[Item], bool]
) -> list[Item]:
    """Return the wanted ones of many things, looked at in slices."""
    slices, wanted = call.node.slices, list[Item]()
    for item in items:
        if is_wanted(item):
            wanted.append(item)
        if slices.is_spent():
            await slices.pause()
    return wanted
