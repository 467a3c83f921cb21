"""Who may log in, and who may do what: users, rights, passwords, patterns."""
