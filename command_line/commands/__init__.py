"""The commands of ``haremq`` on a running node, a file for each thing that they are about."""
