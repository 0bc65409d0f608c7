"""Text: markup, options and words of an answer."""
