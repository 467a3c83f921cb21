"""RabbitMQ's own tools in their words: ``rabbitmqctl``, ``rabbitmq-diagnostics`` and the others.

    program      a tool by its name, and how it ends
    words        what a user types becomes a call
    results      what a call answers, in the form that is asked for
    terms        values as Erlang writes them

Source: the output of the tools of RabbitMQ 3.10; ``tests/clients/test_lookalikes.py`` compares.
"""
