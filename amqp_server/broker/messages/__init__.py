"""What a published message may say of itself, and messages that no client wrote."""
