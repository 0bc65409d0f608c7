"""PDF: from a file to the text of its pages."""
