"""Numbers in sentences: which one a sentence states as its result, or None where several stand side by side."""

import re

from megascience.scoring.math.numerals import UNCERTAINTY, leading, read_number, tidy, words
from megascience.scoring.text.markup import unify

_NUMBER_START = re.compile(
    r"(?<![A-Za-z0-9_.^{\\/+-])(?<!\d:)(?:[-+]|(?i:minus|negative)\s+)?(?:\\?\$|[€£¥])?\s*(?:\\pi(?![a-z])|π|\d(?:[\d,]*\d)?(?:\.\d+)?(?:/\d+)?|\.\d+|\\d?frac\{\d+\}\{\d+\}|\\sqrt)"
    r"(?:\s*(?:\\times|\\cdot|[×x*])\s*10\s*\^\s*\{?-?\d+\}?)?(?!:\d)"
)
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
_LISTED = re.compile(r"^\s*or\s*$|\b(?:and|to|versus|vs)\b|^[^a-zA-Z]*,[^a-zA-Z]*$|^\s*[-–]\s*$")
_WRONG = re.compile(r"\b(?:wrong|incorrect|impossible)\b", re.IGNORECASE)
#: A denial of the number that follows: "is not", "cannot be".
_NOT = re.compile(r"(?:\bnot|\bnever|n't|\bcannot)\b\s*(?:be\s+|equal\s+to\s+|\w+\s+)?$", re.IGNORECASE)


#: Another number of a list: 1,2,3.
_MORE = re.compile(r"\s*[,;]\s*-?\d")
_SHARE = re.compile(r"(?<![\d.])(\d+)\s+(?:in|out\s+of)\s+(?:every\s+)?([1-9]\d*)(?!\d|\.\d)")
_CHANCE = re.compile(r"\b(?:probability|chances?|odds|likelihood|fraction|proportion)\b", re.IGNORECASE)
_RATIO = re.compile(r"(?<![\d.:])(\d+)\s*:\s*([1-9]\d*)(?!\d|\.\d|:)")
_SYMBOL = re.compile(r"[\s$\\(]*[a-zA-Z](?:_\{?\w+\}?)?[\s$\\).]*")


_ASSIGNED = re.compile(r"(?:[\s$]*([a-zA-Z])\w*\s*=\s*[^,;=]+[,;]\s*(?:and\s+)?)+(?!\1)[\s$]*[a-zA-Z]\w*\s*=[^,;=]+")


#: A quantity in two or three units: 2 hours and 30 minutes, 5 ft 6 in.
_COMPOUND = re.compile(
    r"\d+\s*(?:hours?|h|hrs?|minutes?|min|days?|weeks?|years?|months?|feet|foot|ft|pounds?|lbs?|yards?)"
    r"(?:,?\s+(?:and\s+)?\d+(?:\.\d+)?\s*(?:seconds?|s|secs?|minutes?|min|hours?|h|days?|months?|inch(?:es)?|in|ounces?|oz|feet|ft)"
    r"\b){1,2}"
)


#: What is longer is no closing sentence.
_MAX_SENTENCE = 2_000


def number_in(sentence: str) -> str | None:
    """Return the number that one sentence states: after its last "=", or the only one in it; None if ambiguous."""
    sentence = unify(sentence).replace("**", "").replace("__", "").rstrip("! ")
    ratio = _SHARE if _CHANCE.search(sentence) else _RATIO if re.search(r"\bratio\b", sentence) else None
    found_ratio = list(ratio.finditer(sentence)) if ratio else []
    if len(found_ratio) == 1 and len(re.findall(r"\d+(?:[.,]\d+)*", sentence)) == 2:
        return f"{found_ratio[0][1]}/{found_ratio[0][2]}"
    if _ASSIGNED.fullmatch(sentence):  # x = 1, y = 2
        return None
    compound = list(_COMPOUND.finditer(sentence))
    if len(compound) == 1 and not re.search(r"\d", sentence[: compound[0].start()] + sentence[compound[0].end() :]):
        return compound[0][0]
    parts = LAST_EQUAL.split(sentence)
    if len(parts) > 1 and _SYMBOL.fullmatch(parts[-1]):  # 12 = x
        sentence = sentence[: _last_equal(sentence)]
        parts.pop()
    if len(parts) > 1:
        then = _THEN.search(parts[-1])
        if then:
            return number_in(parts[-1][then.end() :])
        adjunct = ADJUNCT.search(sentence)
        if adjunct and re.search(r"\d", sentence[: adjunct.start()]) and adjunct.start() < _last_equal(sentence):
            return number_in(sentence[: adjunct.start()]) or last_number(sentence[: adjunct.start()])
        text = tidy(close_math(parts[-1]))
        found = leading(text)
        if found is not None:
            return None if _MORE.match(found.rest) else clip(text, found.rest)
        value = read_number(text)
        if value is not None:
            return text
    starts = list(_NUMBER_START.finditer(sentence))
    if len(starts) == 1 and not _BOUND.search(sentence[: starts[0].start()]):
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


def _last_equal(sentence: str) -> int:
    return [match.start() for match in LAST_EQUAL.finditer(sentence)][-1]


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
    if len(sentence) > _MAX_SENTENCE or _WRONG.search(sentence) or _ASSIGNED.fullmatch(sentence.strip(" .")):
        return None
    sentence = without_asides(unify(sentence).replace("**", ""))
    parts = _SO.split(sentence)
    if len(parts) > 1 and re.search(r"\d", parts[-1]):
        return last_number(parts[-1])
    if subject := _SUBJECT.match(sentence):  # 5 boxes hold 60 eggs
        return last_number(sentence[subject.end() :])
    starts = list(_NUMBER_START.finditer(sentence))
    span = _SPAN.search(sentence)
    if span and len(starts) == 2 and re.search(r"[a-z]", sentence[starts[0].end() : span.start()]):
        sentence = sentence[: span.start()]  # 624 pages in 52 weeks
        starts.pop()
    if not _NOT.search(sentence[: starts[0].start()] if starts else sentence):
        found = number_in(sentence)
        if found is not None:
            return found if re.search(r"\d", found) or len(sentence.split()) <= 6 else None
    for anchor in reversed(list(_ANCHOR.finditer(sentence))):
        rest = sentence[anchor.end() :]
        starts = list(_NUMBER_START.finditer(rest))
        if starts:
            if _BOUND.search(rest[: starts[0].start()]) or _NOT.search(rest[: starts[0].start()]):
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
    return re.split(r"(?<=[^\d][.!?])\s+|(?<=。)(?=\S)|(?<=\d[.!?])\s+(?=[A-Z])", line.strip(" *_#>-`"))[-1]
