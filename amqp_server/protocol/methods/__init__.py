"""One module per AMQP class, one function per method."""
