"""The property list of an AMQP 0-9-1 message, cut into its properties.

``wire.properties`` draws it; here it stands behind the body size, from the property flags on.
"""


class PropertyList:
    """The property list, cut in pieces; what is cut short is absent, with all that follows."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._position = 2
        flags = octets[0] << 8 | octets[1] if len(octets) > 1 else 0
        self.content_type = self._shortstr(flags & 1 << 15)
        self.content_encoding = self._shortstr(flags & 1 << 14)
        self.headers = self._table(flags & 1 << 13)
        self.delivery_mode = self._fixed(flags & 1 << 12, 1)
        self.priority = self._fixed(flags & 1 << 11, 1)
        self.correlation_id = self._shortstr(flags & 1 << 10)
        self.reply_to = self._shortstr(flags & 1 << 9)
        self.expiration = self._shortstr(flags & 1 << 8)
        self.message_id = self._shortstr(flags & 1 << 7)
        self.timestamp = self._fixed(flags & 1 << 6, 8)
        self.type = self._shortstr(flags & 1 << 5)
        self.user_id = self._shortstr(flags & 1 << 4)
        self.app_id = self._shortstr(flags & 1 << 3)
        self.cluster_id = self._shortstr(flags & 1 << 2)

    def _fixed(self, flag: int, size: int) -> bytes | None:
        if not flag:
            return None
        stop = self._position + size
        if stop > len(self._octets):
            self._position = len(self._octets) + 1
            return None
        found = self._octets[self._position : stop]
        self._position = stop
        return found

    def _shortstr(self, flag: int) -> bytes | None:
        size = self._fixed(flag, 1)
        return None if size is None else self._fixed(flag, size[0])

    def _table(self, flag: int) -> bytes | None:
        size = self._fixed(flag, 4)
        return None if size is None else self._fixed(flag, int.from_bytes(size))
