"""Public sets of questions and answers."""
