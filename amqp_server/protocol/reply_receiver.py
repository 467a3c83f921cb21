"""The consumer of direct replies: they come without a queue.

Source: RabbitMQ, direct reply-to.
"""

import logging
from typing import Final

from amqp_server.broker.reply_consumers import REPLY_PREFIX, UNREAD_BYTES_MAX, ConnectionReplies
from amqp_server.connections.outbox import Outbox
from amqp_server.protocol.fitting import fitted
from amqp_server.protocol.lane import Lane
from amqp_server.wire.content import HeaderTooLargeError, deliver_prefix, render_deliveries
from persistence.record import Run, body_bytes

log = logging.getLogger(__name__)

REPLY_HEAD_BYTES: Final = 512
"""Assumed size of everything around the body of a reply."""


class ReplyReceiver:
    """The consumer of ``amq.rabbitmq.reply-to``: replies come without a queue, and unacked."""

    __slots__ = ("_lane", "_prefix", "_replies", "consumer_tag", "name")

    def __init__(
        self, lane: Lane, consumer_tag: str, token: str, replies: ConnectionReplies
    ) -> None:
        self._lane = lane
        self._replies = replies
        self._prefix = deliver_prefix(consumer_tag)
        self.consumer_tag = consumer_tag
        self.name = REPLY_PREFIX + token

    def deliver_replies(self, run: Run) -> None:
        """Write replies out at once; drop them if the client does not read and has too many."""
        lane = self._lane
        if not self._may_write(lane.outbox, run):
            return
        limit = lane.payload_max_bytes
        head = lane.number, self._prefix, lane.unacked.skip(len(run))
        try:
            octets = render_deliveries(*head, run, limit, redelivered=False)
        except HeaderTooLargeError:
            octets = render_deliveries(*head, fitted(run, limit), limit, redelivered=False)
        lane.outbox.deliver(octets)

    def _may_write(self, outbox: Outbox, run: Run) -> bool:
        """Return whether there is room; the lack of it is logged once until the client reads."""
        replies, count = self._replies, len(run)
        if outbox.transport_full:
            may_write = replies.takes(body_bytes(run) + count * REPLY_HEAD_BYTES, count)
        else:
            # Output that is held for the disk, or is of this turn, is not in the socket yet.
            may_write = outbox.size_bytes <= UNREAD_BYTES_MAX
            replies.dropped_count += 0 if may_write else count
        if not may_write and replies.dropped_count == count:
            log.warning("direct replies are dropped, their client does not read name=%s", self.name)
        return may_write
