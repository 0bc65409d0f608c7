"""Planning: the configuration, what it asks for, and which files make it."""
