"""Shovels as definitions and as states; what moves messages is ``amqp_server.shovels``."""
