"""The event exchange: a message for each thing that comes or goes."""
