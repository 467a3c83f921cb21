"""The commands of management, by what they are about; ``broker.admin`` is the table of them."""
