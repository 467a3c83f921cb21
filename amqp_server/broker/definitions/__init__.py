"""Everything that has a name, as values: what files hold and the disk keeps."""
