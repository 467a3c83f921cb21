"""How long a client waits while another one attacks: ``python -m benchmarks.bystander``."""
