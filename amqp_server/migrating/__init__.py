"""``haremq migrate``: messages of one broker's queues into those of another, such as a cluster.

    listing      which queues are moved, which are left, and why; pure
    api          what both brokers' HTTP APIs are asked
    tally        which publishes are confirmed, and so which deliveries may be acked; pure
    passage      frames of deliveries as frames of publishes; pure
    sameness     whether both are one broker
    queue_move   one queue, over two connections
    migration    all of it, from a wish to a result

A message is acked at its source once the target has confirmed it. So it is at one of them whatever
ends in between, and may be at both. It is a client of both, on the connections of
``load_generator``.
"""
