"""Numbers in sentences: which one a sentence states as its result, or None where several stand side by side."""

import re

from megascience.scoring.extraction.doubt import GIVES_UP
from megascience.scoring.math.numerals import (
    RELATION,
    UNCERTAINTY,
    constant,
    is_expression_of_several,
    leading,
    names_a_value,
    read_number,
    sides_of,
    tidy,
    words,
)
from megascience.scoring.math.spelling import GREEK
from megascience.scoring.text.markup import unify

_NUMBER_START = re.compile(
    r"(?<![A-Za-z0-9_.^{\\/+-])(?<!\d:)(?:[-+]|(?i:minus|negative)\s+)?(?:\\?\$|[€£¥])?\s*(?:\\pi(?![a-z])|π|\d(?:[\d,]*\d)?(?:\.\d+)?(?:/\d+)?|\.\d+|\\d?frac\{\d+\}\{\d+\}|\\sqrt)"
    r"(?:\s*(?:\\times|\\cdot|[×x*])\s*10\s*\^\s*\{?-?\d+\}?)?(?!:\d)"
)
_FORMULA = re.compile(r"\$([^$]{1,300})\$|\\\(([^$]{1,300}?)\\\)")
LAST_EQUAL = re.compile(r"(?<![<>!\\])(?:=|≈|\\approx|≃|\\simeq)(?!=)")
#: Words that a closing sentence puts before its result.
_ANCHOR = re.compile(
    r"=|≈|:(?=\s)|\b(?i:it|that|this|there|here|what|which|(?:s?he|answer|result|total|value))'(?:s|ll\s+be)\s|'ll\s+be\s|\b(?:is|are|was|were|be|equals?|gets?|makes?|gives?|has|have|total\s+of|costs?|needs?|"
    r"(?:needed\s+)?to\s+pay|left\s+with|earns?|takes?|spends?|pays?)\b"
)
#: A result that comes after the last formula of a sentence: "20 + 30 = 50, and after the discount it is $45".
_THEN = re.compile(
    r"(?:^\s*[-+]?[\d.]+[\s$)\\]*(?=\s(?:the|its|our|this|that|we)\b)|^\s*[-+]?[\d.]+\s?[a-zA-Zµ/°^\d]{0,6}(?=\s+(?:is|was)\s)|[,;])\s+(?:and|so|which|but|then|thus|therefore|hence)?\b[^,;=]*?\b(?:is|are|equals?|be|gives?|makes?)\s+(?=[^a-z]*\d)"
)
#: What is said of the place or the condition of a result: "…, attained at x = 2".
ADJUNCT = re.compile(
    r",?\s*\b(?:which\s+(?:is\s+)?)?(?:(?:attained|achieved|reached|occurs?|occurring|obtained)\b[^.=]*"
    r"|(?:when|where|at|for|if|with)\s+[$(\\]{0,3}[a-zA-Z]{1,7}(?:_\{?\w+\}?)?\s*)=[^=]*$"
)
#: The time, place or condition that a sentence with its result ends in.
_SPAN = re.compile(
    r"\s(?:in|for(?!\s+a\s+total)|over|after|within|during|at|by|from|every|per)\s+(?:[a-z]+\s+){0,3}\$?\d[\d,.]*[a-z°%\s]*[.!]?$"
)
#: What a closing sentence puts before the result of what it says first.
_SO = re.compile(
    r"[,;]\s+(?:and\s+)?(?:so|thus|hence|therefore|for\s+a\s+total\s+of|making|giving|leaving|an?\s+(?:decrease|increase|total|difference|"
    r"profit|loss|gain|saving)s?\s+of)\s+"
)
_SUBJECT = re.compile(
    r"\W*(?:(?:so|thus|hence|therefore|then),?\s+)?(?:the\s+|all\s+|these\s+|for\s+)?\d+\s+[a-z]+\s+"
    r"(?!(?:and|or|to|of|in|than|plus|times|per|out|more|less|at|for|after|each)\b)[a-z]+\s+(?:about\s+|exactly\s+)?(?=\$?\d)",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\s+\((?=[^()]*\d)[^()]*\)(?!\s*[-+*/^=])")
#: What makes a number a bound, and what puts two numbers side by side, so that neither is the answer.
_BOUND = re.compile(
    r"\b(?:at\s+(?:least|most)|(?:more|less|fewer|greater|smaller|larger)\s+than|over|under|between|up\s+to|below|above)\s*$",
    re.IGNORECASE,
)
_LISTED = re.compile(
    r"^\s*,?\s*\(?\s*(?:or|alternatively|perhaps|possibly|maybe)\b|\b(?:and|to|versus|vs)\b|^[^a-zA-Z]*,[^a-zA-Z]*$|^\s*[-–]\s*$"
)
_WRONG = re.compile(r"\b(?:wrong|incorrect|impossible)\b", re.IGNORECASE)
#: A denial of the number that follows: "is not", "cannot be".
_NOT = re.compile(r"(?:\bnot|\bnever|n't|\bcannot)\b\s*(?:be\s+|equal\s+to\s+|\w+\s+)?$", re.IGNORECASE)


#: Another number of a list: 1,2,3.
_MORE = re.compile(r"\s*[,;]\s*-?\d")
_SHARE = re.compile(r"(?<![\d.])(\d+)\s+(?:in|out\s+of)\s+(?:every\s+)?([1-9]\d*)(?!\d|\.\d)")
_CHANCE = re.compile(r"\b(?:probability|chances?|odds|likelihood|fraction|proportion)\b", re.IGNORECASE)
_RATIO = re.compile(r"(?<![\d.:])(\d+)\s*:\s*([1-9]\d*)(?!\d|\.\d|:)")
_SYMBOL = re.compile(r"[\s$\\(]*[a-zA-Z](?:_\{?\w+\}?)?[\s$\\).]*")


_ASSIGNMENT = re.compile(r"[\s$]*(?:and\s+)?([a-zA-Z])\w{0,12}\s*=[^,;=]+")


def _assigns(sentence: str) -> bool:
    """Return whether a sentence is nothing but values of several names: x = 1, y = 2."""
    if "=" not in sentence or not re.search(r"[,;]", sentence):
        return False
    names = [match[1] if (match := _ASSIGNMENT.fullmatch(part)) else "" for part in re.split(r"[,;]", sentence)]
    return "" not in names and len(set(names)) > 1


#: What a number is called that only counts something in the text: "problem 12", "Theorem 3".
_LABEL = re.compile(
    r"\b(?:problems?|theorems?|lemmas?|steps?|questions?|exercises?|figures?|fig|tables?|equations?|eqs?|sections?|sec|chapters?|ch|"
    r"parts?|examples?|definitions?|corollary|propositions?|lines?|methods?|pages?|items?|notes?|refs?|axioms?|phases?|attempts?|"
    r"cases?|approach|appendix|version|grade|class|day|week|unit|model|gpt)\s*[.:#]?\s*\(?$",
    re.IGNORECASE,
)
#: A number that a name in brackets is given: P(X = 3).
_IN_BRACKETS = re.compile(r"(?<!\\)[(\[{][^()\[\]{}]{0,30}[=<>≤≥]\s*$")
_MARKER = re.compile(r"^\s*\d{1,2}[.)]\s+(?=\S)")
#: A word of a sentence, not of a formula.
_PROSE_WORD = re.compile(
    r"(?i:so|is|we|at|to|of|in|it|if|by|or|as|be|an|on|do|he|thus|the|are|and|was)[,:]?|(?!(?:sin|cos|tan|log|exp|max|min|det)\b)[A-Za-z][A-Za-z'’-]{2,}[,:]?"
)


def _numbers(sentence: str) -> list[re.Match[str]]:
    """Return where numbers begin that are not labels."""
    return [
        match
        for match in _NUMBER_START.finditer(sentence)
        if not _LABEL.search(sentence, max(0, match.start() - 24), match.start())
        and not _IN_BRACKETS.search(sentence, max(0, match.start() - 40), match.start())
    ]


def _solves(parts: list[str]) -> bool:
    """Return whether the chain of equalities that a sentence ends in gives the value of what it begins with.

    `x = 5` and `F = ma = 6` do; `2x = 10` does not, since it says what something else than x is.
    """
    if len(parts) < 2:
        return True
    chain: list[str] = []
    for part in reversed(parts[:-1]):
        run: list[str] = []
        words_in = part.replace("$", " ").split()
        for word in reversed(words_in[-12:]):
            if (_PROSE_WORD.fullmatch(word) and word not in GREEK) or word.endswith((",", ";", ":")):
                break
            run.insert(0, word)
        chain.append(" ".join(run).strip(" *_"))
        if len(run) < len(words_in):
            break
    first = re.sub(r"(?<=[\d)])\s*[x×]\s*(?=[\d(])", "*", chain[-1])
    if not first or names_a_value(first) or not re.search(r"[a-zA-Z]", first) or constant(first) is not None:
        return True
    return len(chain) > 1 and is_expression_of_several(first)


#: A quantity in two or three units: 2 hours and 30 minutes, 5 ft 6 in.
_COMPOUND = re.compile(
    r"\d+\s*(?:hours?|h|hrs?|minutes?|min|days?|weeks?|years?|months?|feet|foot|ft|pounds?|lbs?|yards?)"
    r"(?:,?\s+(?:and\s+)?\d+(?:\.\d+)?\s*(?:seconds?|s|secs?|minutes?|min|hours?|h|days?|months?|inch(?:es)?|in|ounces?|oz|feet|ft)"
    r"\b){1,2}"
)


#: So many last places that may lead to a result are looked at.
_MAX_ANCHORS = 12
#: What is longer is not a closing sentence.
_MAX_SENTENCE = 2_000


def number_in(sentence: str) -> str | None:
    """Return the number that one sentence states: after its last "=", or the only one in it; None if ambiguous."""
    sentence = _MARKER.sub("", unify(sentence).replace("**", "").replace("__", "").rstrip("! "))
    ratio = _SHARE if _CHANCE.search(sentence) else _RATIO if re.search(r"\bratio\b", sentence) else None
    found_ratio = list(ratio.finditer(sentence)) if ratio else []
    if len(found_ratio) == 1 and len(re.findall(r"\d+(?:[.,]\d+)*", sentence)) == 2:
        return f"{found_ratio[0][1]}/{found_ratio[0][2]}"
    if _assigns(sentence):  # x = 1, y = 2
        return None
    compound = list(_COMPOUND.finditer(sentence))
    if len(compound) == 1 and not re.search(r"\d", sentence[: compound[0].start()] + sentence[compound[0].end() :]):
        return compound[0][0]
    parts = sides_of(sentence)
    if len(parts) > 1 and (formula := _FORMULA.search(sentence)):  # "the total is $15 = \\sum_{k=1}^{5} k$"
        inner = (formula[1] or formula[2]).strip()
        if len(sides_of(inner)) == len(parts) and "\\" in inner and read_number(inner) is not None:
            return inner
    if len(parts) > 1 and _SYMBOL.fullmatch(parts[-1]):  # 12 = x
        sentence = sentence[: sentence.rindex(parts[-1])].rstrip("=≈ ")
        parts.pop()
    if len(parts) > 1:
        return _after_equality(sentence, parts)
    starts = _numbers(sentence)
    if len(starts) == 1 and not _BOUND.search(sentence[: starts[0].start()]) and not RELATION.search(sentence):
        text = tidy(close_math(sentence[starts[0].start() :]))
        found = leading(text)
        if found is not None:
            return None if _MORE.match(found.rest) else clip(text, found.rest)
        if read_number(text) is not None:
            return text
    if not starts:
        found = words(sentence.strip())
        if found is not None:
            return sentence.strip()
    return None


def _after_equality(sentence: str, parts: list[str]) -> str | None:
    """Return the number that the last equality of a sentence gives, None where it is an equation to be solved."""
    then = _THEN.search(parts[-1])
    if then:
        return number_in(parts[-1][then.end() :])
    adjunct = ADJUNCT.search(sentence)
    if adjunct and re.search(r"\d", sentence[: adjunct.start()]) and adjunct.start() < sentence.rindex(parts[-1]):
        return number_in(sentence[: adjunct.start()]) or last_number(sentence[: adjunct.start()])
    if RELATION.search(parts[-1]) or not _solves(parts):
        return None
    text = tidy(close_math(parts[-1]))
    found = leading(text)
    if found is not None:
        return None if _MORE.match(found.rest) else clip(text, found.rest)
    return text if read_number(text) is not None else None


def close_math(text: str) -> str:
    """Return a piece cut out of a formula without its stray delimiter."""
    text = text.strip()
    for mark in ("\\)", "\\]", "$$", "$"):
        position = text.find(mark)
        if position > 0 and text.count("$") % 2 == (1 if "$" in mark else text.count("$") % 2):
            return (text[:position] + " " + text[position + len(mark) :]).strip()
    return text


def clip(text: str, rest: str) -> str:
    """Return a number with at most a few words (its unit) behind it."""
    number = text[: len(text) - len(rest)] if rest and text.endswith(rest) else text
    if spread := UNCERTAINTY.match(rest):
        rest = rest[spread.end() :]
    tail = re.match(r"(?!\s*\(\s*[\d=≈~])[^\s,.;:]*(?:\s+(?!\(\s*[\d=≈~])[^\s,.;:]+){0,3}", rest) if rest else None
    unit = tail[0] if tail else ""
    if unit.count("(") > unit.count(")"):
        unit = unit[: unit.rindex("(")]
    return f"{number.strip()} {unit}".strip()


def without_asides(sentence: str) -> str:
    """Return a sentence without what it says in brackets, unless its only numbers stand there."""
    without = _ASIDE.sub("", sentence) if len(sentence) <= _MAX_SENTENCE else sentence
    return without if re.search(r"\d", without) else sentence


def last_number(sentence: str) -> str | None:
    """Return the number that a closing sentence states, or None where several stand side by side."""
    if len(sentence) > _MAX_SENTENCE or _WRONG.search(sentence) or _assigns(sentence.strip(" .")):
        return None
    sentence = _MARKER.sub("", without_asides(unify(sentence).replace("**", "")))
    parts = _SO.split(sentence)
    if len(parts) > 1 and re.search(r"\d", parts[-1]):
        return last_number(parts[-1])
    if subject := _SUBJECT.match(sentence):  # 5 boxes hold 60 eggs
        return last_number(sentence[subject.end() :])
    starts = _numbers(sentence)
    span = _SPAN.search(sentence)
    if span and len(starts) == 2 and re.search(r"[a-z]", sentence[starts[0].end() : span.start()]):
        sentence = sentence[: span.start()]  # 624 pages in 52 weeks
        starts.pop()
    given_up = GIVES_UP.search(sentence)
    if not given_up and not _NOT.search(sentence[: starts[0].start()] if starts else sentence):
        found = number_in(sentence)
        if found is not None:
            return found if re.search(r"\d", found) or len(sentence.split()) <= 6 else None
    anchors = list(_ANCHOR.finditer(sentence))[-_MAX_ANCHORS:]
    solves = not any(anchor[0] == "=" for anchor in anchors) or _solves(sides_of(sentence))
    for anchor in reversed(anchors):
        if given_up and anchor.start() < given_up.end() or anchor[0] == "=" and not solves:
            return None
        if anchor[0] == "=" and _IN_BRACKETS.search(sentence, 0, anchor.end()):
            continue
        rest = sentence[anchor.end() :]
        starts = _numbers(rest)
        if starts:
            before = rest[: starts[0].start()]
            if _BOUND.search(before) or _NOT.search(before) or _NOT.search(sentence[: anchor.start()]):
                return None
            if RELATION.search(before) or RELATION.match(rest[starts[0].end() :].lstrip(" $")):
                return None
            if len(starts) > 1 and _LISTED.search(rest[starts[0].end() : starts[1].start()]):
                return None
            text = tidy(close_math(rest[starts[0].start() :]))
            number = leading(text)
            return clip(text, number.rest) if number and not _MORE.match(number.rest) else None
        spelled = words(rest.strip()) if not re.search(r"\d", sentence) else None
        if spelled is not None and (spelled.rest or not spelled.integer or spelled.value > 1):
            return str(spelled.value)
    return None


_BOLD = re.compile(r"\*\*([^*\n]{1,80})\*\*(?=[^\d]*$)")


def bold_number(line: str) -> str | None:
    """Return the number in the last bold words of a line, if no number follows them."""
    match = _BOLD.search(line) if len(line) <= _MAX_SENTENCE else None
    if match is None or _WRONG.search(line) or _NOT.search(line[: match.start()]):
        return None
    text = tidy(re.sub(r"^[^\d:=]*[:=]\s*", "", match[1]))
    number = read_number(text)
    return clip(text, number.rest) if number is not None and re.match(r"[-+$€£\\.\d]", text) else None


def closing_sentence(line: str) -> str:
    """Return the last sentence of a line."""
    return re.split(
        r"(?<=[^\d][.!?])\s+|(?<=。)(?=\S)|(?<=\d[.!?])\s+(?=[A-Z])|(?<=[.!?]\$)\$?\s+(?=[A-Z])", line.strip(" *_#>-`")
    )[-1]
