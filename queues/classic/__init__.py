"""The classic queue, and the quorum queue on one node: ready messages shared among consumers."""
