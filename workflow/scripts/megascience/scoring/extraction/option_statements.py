"""Verdicts on options: the ways in which a completion commits itself to one of several options without saying "answer".

Each rule is a pattern with a cue, a word without which the pattern need not be tried.
"""

import re
from collections.abc import Iterator

from megascience.scoring.extraction.windows import Window, letters, places, windows
from megascience.scoring.text.languages import VERDICT as FOREIGN_VERDICT

#: What a rule found: (start, end, the option's letter or text, the rule's name).
Found = tuple[int, int, str, str]

VERDICT = re.compile(
    r"(?:(?:option|choice|answer|statement|letter|alternative)\s+)?[(\[*\"'`$]{0,6}\b(?P<letter>[A-Z])\b[)\]*.\"'`$]{0,6}"
    r"(?:\s*[:(][^.\n]{0,200}?)?(?:,[^,.\n]{0,80},)?\s+"
    r"(?:is|would be|must be|should be|seems(?: to be)?|appears(?: to be)?|represents|provides|gives)\s+"
    r"(?:therefore\s+|thus\s+|clearly\s+|definitely\s+|indeed\s+|the\s+|a\s+|an\s+|most\s+|only\s+|one\s+|our\s+|my\s+)*"
    r"(?:correct|right|best|better\s+(?:choice|answer|option)|true|most\s+\w+|appropriate|accurate|answer|valid|suitable|plausible|likely|one)\b"
    r"(?!\s+(?:if|only\s+if|when|but|for\s+\w+\s+but|in\s+some))",
)
_VERDICT_TEXT = re.compile(
    r"(?:^|(?<=[.!?]\s)|(?<=\n)|(?<=:\s))[\s\"'“*(]{0,8}(?P<rest>[^.\n]{2,160}?)[\s\"'”*)]*\s+is\s+(?:therefore\s+|thus\s+|clearly\s+)?"
    r"(?:the\s+)?(?:(?:correct|right|best)(?:\s+(?:answer|option|choice|solution))?|answer)\s*(?=[.!,]|$|\n|because|since)",
    re.MULTILINE,
)
CHOOSE = re.compile(
    r"(?:(?i:\band\s+(?:then\s+)?(?:(?:go|going|went)\s+(?:with|for)|settle\s+(?:on|for)|choos(?:e|ing)|pick|select|keep)\s+(?:the\s+)?(?:(?:option|answer|choice|letter)\s*)?)|"
    r"(?i:\b(?:i|we|so|thus|therefore|hence|let's|i'd|i'll|we'd|we'll|i'm|we're|must|should|will|would)\b[\s,]*"
    r"(?:(?:will|would|should|must|shall|can|therefore|thus|have\s+to|am|are|going\s+to)\s+)*"
    r"(?:prefer|choos(?:e|ing)|chose|select(?:ing|ed)?|pick(?:ing|ed)?|go(?:ing)?\s+(?:with|for)|opt(?:ing)?\s+for|conclude\s+with|"
    r"mark|answer\s+with|settl(?:e|ing)\s+on)\s+"
    r"(?:the\s+)?(?:(?:option|answer|choice|letter)\s*)?(?:is\s+)?[:\s]*))(?P<rest>[(\[*\"'`$\\]{0,6}[A-Z]\b(?!\s+if)[^\n]{0,80})"
)
#: A letter, or a small one in brackets that is no Roman numeral.
_LETTER = r"(?P<rest>[(\[*\"'`$\\]{0,6}(?:text\{)?[(\[]?[A-Z]\b(?!')[)\]}*.\"'`$]{0,6}|\*{0,2}\([a-hj-p]\)\*{0,2}\.?)"
_THEREFORE = re.compile(
    r"(?:(?:^|[\s.!?,;:])(?i:so|thus|therefore|hence|accordingly|consequently|in\s+conclusion)\b"
    r"|(?:^|[.!?,;:]\s)(?i:by\s+(?:a\s+|the\s+)?(?:process\s+of\s+)?(?:elimination|exclusion))\b"
    r"|(?:^|[.!?:;])\s*(?:⇒|→|∴|=>|->|⟹))[\s,:]*(?i:(?:by\s+(?:a\s+|the\s+)?(?:process\s+of\s+)?(?:elimination|exclusion)|"
    r"in\s+the\s+end|finally|overall|all\s+in\s+all|of\s+these|among\s+these),?\s*)?"
    r"(?i:(?:i\s+(?:think|believe|guess|would\s+say)|i'd\s+say)\s+(?:that\s+)?)?"
    r"(?i:it\s+is\s+|it's\s+|it\s+must\s+be\s+|we\s+have\s+|this\s+is\s+|that\s+is\s+|the\s+)?"
    r"(?i:option\s+|choice\s+|answer\s+|letter\s+)?"
    + _LETTER + r"\s*(?=$|[.!?\n]|\s+is\s+(?:the\s+)?(?:correct|right|best|answer))",
    re.MULTILINE,
)  # fmt: skip
_LOWER = re.compile(
    r"(?:(?i:option|choice|alternative)\s+[(\[*]{0,3}"
    r"|(?:^|(?<=[.,;:]\s)|\b(?i:so|thus|hence|therefore|that|only)\s+)[(\[]\*{0,2}(?=[a-hj-p][)\]]))(?P<rest>[a-z])[)\]*]{0,3}\s+is\s+(?:therefore\s+|thus\s+|the\s+)*"
    r"(?:correct|right|best|answer)\b"
)
_IT_IS = re.compile(r"(?:^|[\s(])[(\[*]{0,3}(?P<rest>[A-Z])[)\]*]{0,3}\s+it\s+is\b(?=\s*[.!,\n*]|\s*$)", re.MULTILINE)
_MAKES = re.compile(
    r"(?:(?i:mak(?:es?|ing)|leav(?:es?|ing))\s+(?i:(?:only\s+)?(?:option\s+|choice\s+)?)" + _LETTER +
    r"\s+(?:as\s+)?(?:the|our)\s+(?:only|most|best|correct|right|answer|one)\b"
    r"|(?i:option\s+|choice\s+)(?P<as>[(\[*]{0,3}[A-Z]\b[)\]*]{0,3})\s+as\s+(?:the|our|my)\s+(?:final\s+|correct\s+|best\s+|right\s+)*answer\b(?!\s+(?:would|is|was|could|can|does))"
    r"|(?:^|(?<=[.,;:]\s)|(?<=so\s)|(?<=hence\s))(?i:only\s+(?:option\s+|choice\s+)?)(?P<only>[(\[*]{0,3}[A-Z]\b[)\]*]{0,3})\s+"
    r"(?:fits|works|matches|satisfies|remains|is\s+left|qualifies|is\s+(?:correct|true|valid|possible)))",
    re.MULTILINE,
)  # fmt: skip
_SENSE = re.compile(
    r"(?:^|(?<=[.,;:]\s)|\b(?i:option|choice|that|but|so)\s+)(?P<rest>[(\[*]{0,3}[A-Z]\b[)\]*]{0,3})\s+"
    r"(?:(?:makes|fits|matches)\s+(?:the\s+)?(?:more|most|best|better|perfect)\b|is\s+better(?=\s*(?:[.!,;]|$)))",
    re.MULTILINE,
)
_REFERS = re.compile(
    r"\b(?i:corresponds?\s+to|matches|which\s+is|this\s+is|equivalent\s+to|match(?:ing)?(?:\s+with)?|equals|agrees\s+with|"
    r"consistent\s+with|aligns\s+with|described\s+(?:in|by)|points?\s+to|leads?\s+(?:us\s+)?to|given\s+in|that\s+is)\s+"
    r"(?i:the\s+)?(?i:option|choice|answer(?:\s+choice)?|statement)\s*[:\s]*" + _LETTER,
)
_CORRECTED = re.compile(
    r"(?i:\b(?:wait|actually|correction|scratch\s+that|sorry|on\s+(?:second\s+thought|reflection)|i\s+misread|"
    r"i\s+was\s+wrong|i\s+made\s+an?\s+\w+)\b[^\n?]{0,60}?\b(?:it|this|that)(?:\s+(?:should|must|has\s+to)\s+be|\s+is|['’]s)\s+"
    r"(?:actually\s+|really\s+|rather\s+)?(?:option\s+|choice\s+)?)"
    + _LETTER + r"\s*(?=$|[.!,;\n]|\s+(?:because|since|not)\b)",
    re.MULTILINE,
)  # fmt: skip
_NO_WAIT = re.compile(
    r"(?i:\b(?:(?:no|oh|hmm|oops),?\s+)?(?:wait|actually|correction|scratch\s+that|sorry|rather|i\s+mean(?:t)?)\b[\s,:—–-]*"
    r"(?:(?:no|sorry)[\s,]+)?(?:(?:it\s+is|option)\s+)?)" + _LETTER + r"\s*(?=$|[.!\n])",
    re.MULTILINE,
)  # fmt: skip
#: Of each rule: pieces of lower-case text of which one must be there.
_CALLED = ("correct", "right", "best", "better", "true", "most", "appropriate", "accurate", "answer", "valid",
           "suitable", "plausible", "likely", "one")  # fmt: skip
_SO = tuple("elimination exclusion so thus therefore hence accordingly consequently conclusion ⇒ → ∴ ⟹ => ->".split())
_CHOSEN = ("keep", "prefer", "choos", "chose", "select", "pick", "go with", "go for", "going", "opt", "conclude",
           "mark", "answer with", "settl")  # fmt: skip
_TAKEN_BACK = ("wait", "actually", "correction", "scratch", "sorry", "on second", "on reflection", "misread",
               "was wrong", "made a")  # fmt: skip
_NO_CUES = ("wait", "actually", "correction", "scratch", "sorry", "rather", "i mean")
_REFERRED = ("option", "choice", "answer", "statement")
_RULES = (
    (VERDICT, _CALLED, "option called correct"),
    (_LOWER, _CALLED, "option called correct"),
    (CHOOSE, _CHOSEN, "chosen"),
    (_THEREFORE, _SO, "conclusion"),
    (_IT_IS, ("it is",), "conclusion"),
    (_CORRECTED, _TAKEN_BACK, "correction"),
    (_NO_WAIT, _NO_CUES, "correction"),
    (_MAKES, ("mak", "leav", "only", " as "), "option called correct"),
    (_SENSE, ("makes", "fits", "matches", "is better"), "option called correct"),
    (_REFERS, _REFERRED, "reference to an option"),
)

#: Words before a verdict that take it back: "neither A nor B is correct", "none of the options A or B is right".
_DENIED = re.compile(
    r"\b(?:not|neither|nor|why|if|whether|is)\s*$|\b(?:none|neither|either)\b[^.!?\n]*$|\b[A-Z]\)?,?\s+(?:or|nor)\s+(?:option\s+)?[(*]*$"
)
_CONDITIONAL = re.compile(r"\b(?:if|were|when|unless)\b[^.!?\n]*$", re.IGNORECASE)

#: One verdict an option: "Option B: correct", "- (C): true", "**D.** Incorrect", a table's row with a tick.
_MARKED = re.compile(
    r"(?:^[ \t>*#-]{0,12}(?:\|\s{0,4})?|(?<=[.;,]\s)|(?<=[a-z]\s)(?=\())(?:option\s+)?[(*]*(?P<rest>[A-Z])"
    r"(?:[)*.]*\s*(?P<mark>\|(?:[^\n|]*\|)*?\s*|[:–—-]\s*)|[)*.:]+\s+)[*\s]*"
    r"(?:(?P<yes>correct|yes|true|right|[✓✔✅])|(?:incorrect|not\s+(?:correct|true)|no|false|wrong|[✗✘❌✕]))(?!\w)",
    re.MULTILINE | re.IGNORECASE,
)
#: What marks an option as right; without one no list gives an answer.
_TICK = re.compile(r"[✓✔✅]|[Cc]orrect|CORRECT|[Tt]rue|TRUE|[Rr]ight|RIGHT|[Yy]es|YES")
#: So many options of a list must have their verdict where the verdict might be an option's text ("A. True").
_LIST = 3


#: Words near which a whole text is called the answer.
_CALLED_TEXT = ("correct", "right", "best", " answer")


def verdicts(text: str, lower: str, start: int, stop: int) -> Iterator[Found]:
    """Yield the places where one option is called right, chosen or referred to; the caller leaves hedges out.

    Args:
        text: the completion.
        lower: the same in lower case.
        start, stop: where to look.
    """
    called = places(lower, start, stop, _CALLED_TEXT)
    for left, right in windows(
        text, start, stop, [at for at in called if " is " in lower[max(0, at - 40) : at]], 220, 40
    ):
        for match in _VERDICT_TEXT.finditer(text, left, right):
            if VERDICT.search(text, match.start() + 12, match.end() + 1):
                continue  # "Option A would be right if …, so option B is correct"
            yield match.start(), match.end(), match["rest"], "option called correct"
    if not text.isascii():
        for left, right in windows(text, start, stop, places(lower, start, stop, ("正", "对")), 20, 10):
            for match in FOREIGN_VERDICT.finditer(text, left, right):
                yield match.start(), match.end(), match["rest"], "option called correct"
    near = windows(text, start, stop, letters(text, start, stop), 160, 260)
    for left, right in near:
        said = lower[left:right]
        for pattern, cue, rule in _RULES:
            if not any(map(said.__contains__, cue)):
                continue
            for match in pattern.finditer(text, left, right):
                before = text[max(0, match.start() - 120) : match.start()]
                if pattern in (VERDICT, _LOWER) and (
                    _DENIED.search(before) or ("would" in match[0] and _CONDITIONAL.search(before))
                ):
                    continue
                groups = match.groupdict()
                stated = next(groups[name] for name in ("letter", "rest", "as", "only") if groups.get(name))
                yield match.start(), match.end(), stated, rule
    right_ones = _marked(text, near)
    # the one that is marked right among others that are marked wrong; two right ones are statements, not options
    if len(right_ones) == 1:
        match = right_ones[0]
        yield match.start(), match.end(), match["rest"].upper(), "option marked correct"


def marked_right(text: str, start: int, stop: int) -> list[re.Match[str]]:
    """Return where a list gives the verdict "right" on an option, in its group `rest`."""
    return _marked(text, windows(text, start, stop, letters(text, start, stop), 160, 260))


def _marked(text: str, near: list[Window]) -> list[re.Match[str]]:
    marked = [
        match
        for left, right in near
        if _TICK.search(text, left, right)
        for match in _MARKED.finditer(text, left, right)
    ]
    different = len({match["rest"].upper() for match in marked})
    return [match for match in marked if match["yes"] and (match["mark"] or different >= _LIST)]
