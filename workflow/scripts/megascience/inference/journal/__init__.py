"""Journal: where every completion is kept, and what completions cost."""
