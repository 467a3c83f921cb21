"""Definitions: all that was declared, as a file that RabbitMQ reads too.

What cannot be taken does not keep the rest from being taken. The answer then is 400, and names it.
"""

from collections.abc import AsyncIterator
from typing import Any, Final, cast

from management.call import DOUBLY_ENCODED, Call
from management.http.errors import (
    OK,
    SEE_OTHER,
    UNSUPPORTED_MEDIA_TYPE,
    HttpError,
    bad_request,
    not_found,
)
from management.http.form import FORM, fields_of
from management.http.json_text import NotJsonError, dumped, loaded
from management.http.large_json import dropped, is_read_at_once, loaded_in_slices
from management.http.response import JSON, Response, empty
from management.routing.route import Right, Route
from management.slices import Slices
from management.vhost_commands import require_vhost

PIECE_BYTES: Final = 64 * 1024
NAMED_MAX: Final = 20
"""Most of what was left out that an answer names."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


async def definitions(call: Call) -> Response:
    """Return all definitions of the node."""
    return await _exported(call, None)


async def definitions_of_vhost(call: Call) -> Response:
    """Return the definitions of a vhost."""
    if not call.node.has_vhost(call.vhost):
        raise not_found()
    return await _exported(call, call.vhost)


async def _exported(call: Call, vhost: str | None) -> Response:
    document = await call.node.command(
        "export_definitions",
        vhost=vhost,
        product=call.services.identity.product,
        version=call.services.identity.rabbitmq_version,
        cluster_name=call.services.cluster_name(),
    )
    headers = {}
    name = call.request.query.get("download")
    if name:
        plain = "".join([each for each in name if each.isalnum() or each in "-_. "])
        headers["Content-Disposition"] = f'attachment; filename="{plain}"'
    pieces = _pieces(cast("dict[str, Any]", document), call.node.slices)
    return Response(OK, pieces, headers)


async def _pieces(document: dict[str, Any], slices: Slices) -> AsyncIterator[bytes]:
    """Yield a document as JSON: lists item by item, as they may be long."""
    piece = bytearray()
    for place, (key, value) in enumerate(document.items()):
        piece += b"," if place else b"{"
        piece += dumped(key) + b":"
        if not isinstance(value, list):
            piece += dumped(value)
            continue
        for index, item in enumerate(value):
            piece += b"," if index else b"["
            piece += dumped(item)
            if len(piece) >= PIECE_BYTES:
                yield bytes(piece)
                piece.clear()
            if slices.is_spent():
                await slices.pause()
        piece += b"]" if value else b"[]"
    yield bytes(piece + b"}")


async def put_definitions(call: Call) -> Response:
    """Add definitions to the node."""
    return await _imported(call, None)


async def put_definitions_of_vhost(call: Call) -> Response:
    """Add definitions to a vhost."""
    require_vhost(call)
    return await _imported(call, call.vhost)


async def _imported(call: Call, vhost: str | None) -> Response:
    request, redirect = call.request, b""
    if request.media_type == FORM:
        fields = fields_of(request)
        text, redirect = fields.get("file", b""), fields.get("redirect", b"")
    elif request.media_type == JSON:
        text = request.body
    else:
        raise HttpError(UNSUPPORTED_MEDIA_TYPE)
    document, slices = await _document_of(text, call.node.slices), call.node.slices
    try:
        left_out = await call.node.command("import_definitions", document=document, vhost=vhost)
    finally:
        await dropped(document, slices)
    _refuse_left_out(cast("tuple[str, ...]", left_out))
    if redirect:
        target = redirect.decode("latin-1").replace("\r", "").replace("\n", "")
        return empty(SEE_OTHER, {"Location": target})
    return empty()


async def _document_of(text: bytes, slices: Slices) -> dict[str, Any]:
    text = text.removeprefix(_BYTE_ORDER_MARK).strip()
    if not text:
        return {}
    try:
        if not is_read_at_once(text):
            return await loaded_in_slices(text, slices, has_long_lists=True)
        document = loaded(text)
    except NotJsonError as error:
        raise bad_request("failed_to_parse_json") from error
    if isinstance(document, str):
        raise bad_request(DOUBLY_ENCODED)
    if not isinstance(document, dict):
        raise bad_request("failed_to_parse_json")
    return cast("dict[str, Any]", document)


def _refuse_left_out(left_out: tuple[str, ...]) -> None:
    """Say what was left out, if anything was.

    Raises:
        HttpError: 400, it names the first ``NAMED_MAX``.
    """
    if not left_out:
        return
    named = "\n".join(left_out[:NAMED_MAX])
    rest = len(left_out) - NAMED_MAX
    more = f"\nand {rest} more" if rest > 0 else ""
    raise bad_request(f"{len(left_out)} left out, all others were taken:\n{named}{more}")


def _both(path: str, suffix: str) -> tuple[Route, ...]:
    whose = "a vhost" if suffix else "the node"
    get, put = (
        (definitions_of_vhost, put_definitions_of_vhost)
        if suffix
        else (definitions, put_definitions)
    )
    return (
        Route(
            method="GET",
            path=f"{path}{suffix}",
            right=Right.ADMINISTRATOR,
            handler=get,
            summary=f"All definitions of {whose}; download=f.json names the file.",
            answer="definitions",
        ),
        Route(
            method="POST",
            path=f"{path}{suffix}",
            right=Right.ADMINISTRATOR,
            handler=put,
            summary=f"Add definitions to {whose}: JSON, or a form with a file.",
            body="definitions",
            reads_own_body=True,
        ),
    )


ROUTES: Final = (
    *_both("definitions", ""),
    *_both("definitions", "/{vhost}"),
    *_both("all-configuration", ""),
)
