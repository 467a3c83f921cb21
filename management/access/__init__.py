"""Who asks, and what they may: logins, sessions, roles."""
