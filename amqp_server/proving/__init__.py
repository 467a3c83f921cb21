"""``haremq verify``: a throw-away cluster with a user's settings, under load and faults.

    settings   what of a user's settings holds in it, and what cannot; pure
    nodes      its nodes and its etcd, on loopback addresses with relays between them
    store      what its etcd is asked from outside
    tied       the program before each of its programs, so that none outlives the command
    proof      the command from its wish to its end
    summary    the result as plain values

Load, faults and checkers are ``load_generator.verifying``'s, which shares no code with nodes.
"""
