"""What another client waits while one does its worst: ``python -m benchmarks.bystander``."""
