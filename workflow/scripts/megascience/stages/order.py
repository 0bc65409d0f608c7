"""Order: every stage, in the order of the data. The one list: to add a stage, add its line.

What a stage reads and who reads it follow from its place.
"""

from typing import NamedTuple


class Place(NamedTuple):
    """A stage's place.

    Attributes:
        asks: whether it asks a model; then `stages/<name>.py` says what and `rules` has `<name>_generate`.
        optional: whether a branch may leave it out.
        home: whether its shards are those where the books are at home, not those of a discipline's pairs.
    """

    name: str
    asks: bool = False
    optional: bool = False
    home: bool = False


#: A textbook's way.
BOOK_WAY = (
    Place("digitize", home=True),
    Place("classify", asks=True, home=True),
    Place("chunk"),
    Place("extract", asks=True),
    Place("dedup"),
    Place("refine", asks=True, optional=True),
    Place("judge_cot", asks=True, optional=True),
    Place("distill_cot", asks=True, optional=True),
    Place("filter", asks=True, optional=True),
    Place("decontaminate", asks=True, optional=True),
    Place("reference", asks=True),
)

#: The stages that ask a model about the last rows of a pool, to select and to annotate them.
SELECTING_STAGES = ("difficulty_sample", "difficulty_score", "response_length", "annotate")

#: The stages of a public source's way.
SOURCE_STAGES = ("import_source", "dedup", "decontaminate")

STAGES = tuple(place.name for place in BOOK_WAY)
MODEL_STAGES = tuple(place.name for place in BOOK_WAY if place.asks)
OPTIONAL_STAGES = tuple(place.name for place in BOOK_WAY if place.optional)
#: The stages that a branch may override.
BRANCHING_STAGES = (*OPTIONAL_STAGES, "reference")
HOME_STAGES = tuple(place.name for place in BOOK_WAY if place.home)

#: All stages that ask a model.
ASKING_STAGES = (*MODEL_STAGES, *SELECTING_STAGES, "evaluate")

#: All stages that may leave rows out.
DROPPING_STAGES = tuple(dict.fromkeys((*STAGES, *SOURCE_STAGES, *SELECTING_STAGES, "select", "mixture", "train")))
