"""The row of the toy kind: with its engine beside it, all that a kind is made of."""

from queues.kinds import (
    DeliveryHeader,
    QueueKind,
    Refusal,
    RefusedAs,
    Request,
    refused_flag,
    refused_unnamed,
)
from tests.support.toy.engine import OFFSET, ToyQueue

TOY = QueueKind(
    name="toy",
    module="rabbit_toy_queue",
    make_engine=ToyQueue,
    make_mirrored=ToyQueue,
    arguments=("x-queue-type", "x-max-length-bytes", "x-toy-colour"),
    consumer_arguments=(OFFSET,),
    policy_scope="toys",
    foreign_policy_keys=frozenset({"message-ttl"}),
    refusals={
        Request.AUTO_DELETE: refused_flag("auto-delete"),
        Request.EXCLUSIVE: refused_flag("exclusive-owner"),
        Request.UNNAMED: refused_unnamed("rabbit_toy_queue"),
        Request.GET: Refusal(
            RefusedAs.NOT_SUPPORTED, "basic.get not supported by toy queues {queue}"
        ),
        Request.NO_ACK: Refusal(
            RefusedAs.NOT_SUPPORTED, "automatic acknowledgement not supported by toy {queue}"
        ),
        Request.NO_PREFETCH: Refusal(
            RefusedAs.PRECONDITION, "consumer prefetch count is not set for toy {queue}"
        ),
        Request.SHARED_PREFETCH: Refusal(
            RefusedAs.NOT_SUPPORTED, "{queue} does not support global qos"
        ),
    },
    heeds_delete_conditions=False,
    heeds_shared_prefetch=False,
    delivery_header=DeliveryHeader(OFFSET, lambda batch: batch.positions),
)
