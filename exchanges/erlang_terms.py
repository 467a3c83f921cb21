"""Values as RabbitMQ prints them in its explanations: Erlang's ``~tp`` of a decoded AMQP value.

Bindings carry plain values, so the AMQP type is the one a client most likely sent: an integer
that fits 32 bits is a ``signedint``, a wider one a ``long``; a float is a ``double``. An item of an
array or a table has the name of its type (see ``Binding``).
"""

from typing import Final

_SIGNEDINT_BITS: Final = 32
_ESCAPES: Final = {
    '"': '\\"',
    "\\": "\\\\",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\b": "\\b",
    "\f": "\\f",
    "\x1b": "\\e",
}


def amqp_type_name(value: object) -> str:
    """Return RabbitMQ's name of the AMQP type that a plain value had."""
    match value:
        case bool():
            name = "bool"
        case int():
            fits = -(1 << (_SIGNEDINT_BITS - 1)) <= value < 1 << (_SIGNEDINT_BITS - 1)
            name = "signedint" if fits else "long"
        case float():
            name = "double"
        case str():
            name = "longstr"
        case bytes():
            name = "binary"
        case list():
            name = "array"
        case dict():
            name = "table"
        case tuple():
            name = "decimal"
        case _:
            assert value is None, f"a plain value, not {type(value)}"
            name = "void"
    return name


def erlang_term(value: object) -> str:
    """Return the Erlang notation of a plain value; tables and arrays show their items' types."""
    match value:
        case bool():
            text = "true" if value else "false"
        case float():
            text = _float(value)
        case str():
            text = _binary(value.encode("utf-8", "surrogateescape"))
        case bytes():
            text = _binary(value)
        case list():
            items = [f"{{{type_name},{erlang_term(item)}}}" for type_name, item in value]
            text = f"[{','.join(items)}]"
        case dict():
            items = [
                f"{{{erlang_term(name)},{type_name},{erlang_term(item)}}}"
                for name, (type_name, item) in value.items()
            ]
            text = f"[{','.join(items)}]"
        case tuple():
            text = f"{{{','.join(map(str, value))}}}"
        case None:
            text = "undefined"
        case _:
            text = str(value)
    return text


def _float(value: float) -> str:
    """Return the shortest notation; Erlang wants a point before the exponent."""
    mantissa, exponent_mark, exponent = repr(value).partition("e")
    if not exponent_mark:
        return mantissa
    point = "" if "." in mantissa else ".0"
    return f"{mantissa}{point}e{int(exponent)}"


def _binary(octets: bytes) -> str:
    """Return ``<<"text">>`` where every character is printable, else the octets as numbers.

    By default Erlang takes Latin-1 characters as printable. Text that is not plain ASCII is marked
    as UTF-8.
    """
    text, suffix = _decode(octets)
    if not all(map(_is_printable, text)):
        return f"<<{','.join(map(str, octets))}>>"
    if not text:
        return "<<>>"
    quoted = "".join([_ESCAPES.get(character, character) for character in text])
    return f'<<"{quoted}"{suffix}>>'


def _decode(octets: bytes) -> tuple[str, str]:
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1"), ""
    return text, "" if text.isascii() else "/utf8"


def _is_printable(character: str) -> bool:
    return character in _ESCAPES or " " <= character <= "~" or "\xa0" <= character <= "\xff"
