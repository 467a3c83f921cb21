"""Headers that are larger than a frame of the client that gets them: fields are left out.

A content header is one frame (4.2.6.1). A stream client's message may have a megabyte of
application properties, and a consumer of AMQP may have agreed on smaller frames than the
publisher did. A frame over the limit would end the consumer's connection, and the next one's.
"""

import logging
from typing import Final

from amqp_server.wire.errors import WireError
from amqp_server.wire.properties import split
from amqp_server.wire.tables import Field, encode_table
from persistence.record import Record, Run

log = logging.getLogger(__name__)

_SIZE_BYTES: Final = len(encode_table({}))


def fitted(run: Run, header_bytes_max: int) -> list[Record]:
    """Return a run whose headers have at most so many octets.

    The largest fields of a headers table go first; all other properties stay. They are shortstrs,
    which fit into the smallest frame that there is.
    """
    return [
        record if len(record.header) <= header_bytes_max else _fitted(record, header_bytes_max)
        for record in run
    ]


def _fitted(record: Record, header_bytes_max: int) -> Record:
    properties = split(record.header)
    headers: dict[str, Field] = {}
    try:
        headers = dict(properties.headers())
    except WireError:
        log.debug("a headers table that cannot be read is left out")
    sizes = {name: len(encode_table({name: field})) for name, field in headers.items()}
    excess_bytes = len(record.header) - header_bytes_max
    left_out: list[str] = []
    for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if excess_bytes <= 0:
            break
        del headers[name]
        left_out.append(name)
        excess_bytes -= sizes[name] - _SIZE_BYTES
    log.warning(
        "headers left out of a delivery, as they do not fit into a frame: %.100r of %d bytes",
        left_out,
        len(record.header),
    )
    properties.set_headers(headers)
    return record._replace(header=properties.encode())
