"""What stands behind exchanges and keeps messages (``exchanges.keeping``)."""
