"""The running node of a cluster: what it is started with."""
