"""The text layer of a PDF: from glyphs to paragraphs."""
