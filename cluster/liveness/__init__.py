"""That a node runs, as others see it: its ``live`` key, and the process that renews its lease."""
