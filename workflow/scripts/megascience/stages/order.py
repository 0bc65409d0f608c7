"""Order: the stages that a book, a public source and a selection go through."""

#: The stages of a textbook's way, in order. A branch may leave some out between dedup and reference.
STAGES = (
    "digitize",
    "classify",
    "chunk",
    "extract",
    "dedup",
    "refine",
    "judge_cot",
    "distill_cot",
    "filter",
    "decontaminate",
    "reference",
)

#: The stages of a public source's way.
SOURCE_STAGES = ("import_source", "dedup", "decontaminate")

#: The stages that ask a model about the last rows of a pool, to select and to annotate them.
SELECTING_STAGES = ("difficulty_sample", "difficulty_score", "response_length", "annotate")

#: The stages whose shards are those where the books are at home, not those of a discipline's pairs.
HOME_STAGES = ("digitize", "classify")
