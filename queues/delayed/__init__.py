"""Messages that wait for their time, on the disk as the messages of long queues are."""
