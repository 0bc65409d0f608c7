"""Why books, pages, chunks and rows of public sets are left out: reason → what it means to a reader."""

DIGITIZE_REASONS = {
    "book_unreadable": "the PDF is corrupt, encrypted or has no pages",
    "page_empty": "no text was found on the page",
    "page_failed": "the digitizing engine gave up on the page",
    "page_unreadable": "the text of the page is garbage by its figures",
    "page_disagrees": "two readings of the page have too few words in common",
    "not_english": "the text is written in another language than the config asks for",
}

CHUNK_REASONS = {
    "no_text": "only running heads, page numbers or white space were on the page",
    "repeated_chunk": "the same text is twice on the same pages of the book",
}

#: What a text of somebody else's or of a model must not hold, see `text_checks`.
TEXT_REASONS = {
    "chat_tokens": "the text holds tokens of a chat template, which a model would take for the end of a turn",
    "leftover_thought": "the text holds the thought of a reasoning model, or marks of one",
    "answer_tags": "the text holds the tags that the workflow's own prompts ask answers in",
    "endless_repetition": "the text ends in the same words over and over",
}

IMPORT_REASONS = {
    "missing_field": "the row does not have the field that the mapping names",
    "empty_field": "the row's question, answer or id is null or empty",
    "malformed_row": "the line is not a JSON object",
    "row_too_long": "the row has more bytes than the config allows",
    "repeated_id": "an earlier row of the source has the same id",
    "repeated_row": "an earlier row of the source says the same",
    "not_english": "the text is written in another language than the config asks for",
    **TEXT_REASONS,
}
