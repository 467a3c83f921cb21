"""Access control: users, rights, passwords, patterns."""
