"""Values as RabbitMQ shows them in its error texts: Erlang terms.

A client that matches on a text, or a person who searches for it, finds the same words here.
Two sources of values: JSON (policies), and field tables (arguments), where the types that came
over the wire are part of the term: ``[{longstr,<<"x">>},{signedint,1}]``.

Measured against RabbitMQ 3.10; its line breaks in long terms are left out.
"""

from collections.abc import Mapping

from amqp_server.wire.tables import TYPE_NAMES, Field
from exchanges.erlang_terms import erlang_term


def json_term(value: object) -> str:
    """Return a JSON value as a term: strings are binaries, objects are maps."""
    match value:
        case None:
            return "null"
        case list():
            return f"[{','.join(map(json_term, value))}]"
        case dict():
            pairs = [f"{json_term(key)} => {json_term(inner)}" for key, inner in value.items()]
            return f"#{{{','.join(pairs)}}}"
        case _:
            return erlang_term(value)


def proplist(pairs: Mapping[str, object]) -> str:
    """Return ``[{<<"key">>,value},…]``, the keys in order."""
    items = [f"{{{json_term(key)},{json_term(pairs[key])}}}" for key in sorted(pairs)]
    return f"[{','.join(items)}]"


def field_term(field: Field) -> str:
    """Return the value of a field as a term, without the field's own type."""
    match field.value:
        case list():
            return f"[{','.join([f'{{{_typed(inner)}}}' for inner in field.value])}]"
        case dict():
            items = [
                f"{{{erlang_term(key)},{_typed(inner)}}}" for key, inner in field.value.items()
            ]
            return f"[{','.join(items)}]"
        case value:
            return erlang_term(value)


def field_text(field: Field) -> str:
    """Return the value of a field as it stands between quotes: text bare, the rest as terms."""
    if isinstance(field.value, bytes):
        return field.value.decode("utf-8", "surrogateescape")
    return field_term(field)


def _typed(field: Field) -> str:
    return f"{TYPE_NAMES[field.kind]},{field_term(field)}"
