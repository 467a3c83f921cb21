"""The fields of a body that a browser sends with a file: ``multipart/form-data``.

    --boundary
    Content-Disposition: form-data; name="file"; filename="f.json"

    octets
    --boundary--

Source: RFC 7578.
"""

import re
from collections.abc import Mapping
from typing import Final

from management.http.request import Request

FORM: Final = "multipart/form-data"
FIELDS_MAX: Final = 16
"""Fields that are looked at; RabbitMQ's form has two."""

_BOUNDARY: Final = re.compile(r'boundary="?([^";]{1,70})')
_NAME: Final = re.compile(rb';\s*name="([^"\r\n]{1,100})"')


def fields_of(request: Request) -> Mapping[str, bytes]:
    """Return the fields by their names; a body that is no such form has none."""
    boundary = _BOUNDARY.search(request.header("content-type") or "")
    if boundary is None:
        return {}
    mark = b"--" + boundary.group(1).encode("latin-1", "replace")
    fields: dict[str, bytes] = {}
    for part in request.body.split(mark, FIELDS_MAX)[1:]:
        head, blank, content = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if blank and name is not None:
            fields[name.group(1).decode("latin-1")] = content.removesuffix(b"\r\n")
    return fields
