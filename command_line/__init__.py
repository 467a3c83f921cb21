"""The command line of a running node: a client of the HTTP API, as any other.

    program     what a user types becomes a call
    commands    what each command asks for, and what it shows
    lookalike   RabbitMQ's own tools, in their words

It shares no code with the broker.
"""
