"""Random scripts, run in lock-step on two brokers, whose answers are compared and made small."""
