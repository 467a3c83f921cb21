"""Management: RabbitMQ's HTTP API over the views, events and commands of the broker.

    server        the one module that knows the HTTP library
    application   a request in, an answer out: route, rights, handler, errors
    route_table   every route, one row each
    routes        handlers, by what they are about; ``bodies`` turns views into JSON

It runs in the loop of the node, in slices (``slices``), so that messages never wait for it.
"""
