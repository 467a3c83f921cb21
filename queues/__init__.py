"""The state machine of a queue; knows no AMQP frame, no socket and no clock."""
