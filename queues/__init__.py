"""State machines of one queue; knows no AMQP frame, no socket and no clock."""
