"""Sans-IO AMQP 0-9-1: one Connection object per client."""
