"""Tables of the paper from results on disk, one module a kind. They compute no science."""
