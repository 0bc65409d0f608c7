"""What the scorer takes and gives: answer kinds, presets, and the results of the three steps."""

from dataclasses import dataclass

#: The kinds of answer; `auto` takes the kind that the reference has.
KINDS = (
    "choice",
    "multi_choice",
    "boolean",
    "yes_no_maybe",
    "number",
    "quantity",
    "expression",
    "equation",
    "set",
    "tuple",
    "interval",
    "matrix",
    "text",
    "auto",
)

#: Kinds whose answers are read by the mathematics parser.
MATHEMATICAL = frozenset({"expression", "equation", "set", "tuple", "interval", "matrix"})

#: Kinds whose answers come from a closed set.
CLOSED = frozenset({"choice", "multi_choice", "boolean", "yes_no_maybe"})

CORRECT, WRONG, UNREADABLE = "correct", "wrong", "unreadable"

#: Only the end of a completion is searched: an answer stands there, and longer text is a runaway generation.
MAX_COMPLETION = 200_000
#: A longer answer is not a final answer of any benchmark; it is compared as text only.
MAX_ANSWER = 4_000


@dataclass(frozen=True, slots=True)
class Preset:
    """How strictly values are compared.

    Attributes:
        name: "standard" or "paper".
        tolerance: relative tolerance between two values of which at least one is rounded.
        rounding: largest relative difference that rounding to the coarser value's digits may explain; 0 switches
            the rule off.
        integers_exact: two values of kind `number` of which one is an integer must be equal.
        units: units are compared and converted; otherwise they are ignored.
        percent_free: a value, its hundredth and its hundredfold are the same.
    """

    name: str
    tolerance: float
    rounding: float
    integers_exact: bool
    units: bool
    percent_free: bool


#: `paper` follows the scorer that was released with the paper: 5 % for every number, no units, and a value may
#: differ from the reference by a factor of 100 (its reading of percentages). `standard` is this project's own.
PRESETS = {
    "standard": Preset("standard", 0.01, 0.05, True, True, False),
    "paper": Preset("paper", 0.05, 0.0, False, False, True),
}


@dataclass(frozen=True, slots=True)
class Extraction:
    """The answer that a completion commits itself to.

    Attributes:
        answer: the answer as text (a letter, a number, LaTeX, …), or None where none can be read without a guess.
        rule: the name of the rule that found it, or why there is none.
        span: where it is in the completion, as (start, end), or None.
    """

    answer: str | None
    rule: str
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a comparison: `label` is "correct", "wrong" or "unreadable", `reason` says why."""

    label: str
    reason: str

    @property
    def correct(self) -> bool:
        return self.label == CORRECT


@dataclass(frozen=True, slots=True)
class Score:
    """An extraction and the verdict on it."""

    extraction: Extraction
    verdict: Verdict

    @property
    def label(self) -> str:
        return self.verdict.label

    @property
    def reason(self) -> str:
        return self.verdict.reason

    @property
    def correct(self) -> bool:
        return self.verdict.correct
