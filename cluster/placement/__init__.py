"""Which nodes have a queue's replicas and which one leads it, as pure decisions.

    nodes        what a node is to a placement
    asking       how many replicas a queue is to have, by its arguments, policy and kind
    placing      the first state of a new queue
    changing     other replicas for a queue: a node that is gone, that leaves, that is new
    moving       leaders that move: a drain, a rebalance
    checking     which queues would have too few members without a node

Nothing here writes to the metadata store. Whoever does compares revisions, so a decision that was
made of an old copy is refused there and made again.
"""
