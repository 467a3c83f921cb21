"""The calls of the HTTP differential, by what they are about; ``script`` has all, in order."""
