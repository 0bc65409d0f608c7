"""Numbers as people and models write them: value, how exactly it is meant, and what follows (a unit, a word)."""

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from megascience.scoring.budget import NUMBER, OutOfSteps, limited
from megascience.scoring.math.evaluation import Evaluator, TooLarge, Undefined, exact
from megascience.scoring.math.parser import parse
from megascience.scoring.math.regions import is_name
from megascience.scoring.math.spelling import FUNCTIONS, GREEK
from megascience.scoring.math.tree import MAX_EXPONENT, Node, ParseError
from megascience.scoring.math.tree import names_of as symbols
from megascience.scoring.text.markup import strip_spacing, strip_styles, unify, unwrap


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number.

    Attributes:
        value: exact where it was written as a rational, otherwise a close rational of an irrational constant.
        integer: written as a whole number without decimal point or power of ten.
        digits: significant digits of a rounded value; None where the value is exact (integers, fractions, roots).
        unit_digit: the place value of the last written digit, as a rational; None as above.
        percent: a percent sign or word follows.
        rest: the text after the number.
        currency: the sign that stood before it, "" for none.
    """

    value: Fraction
    integer: bool
    digits: int | None
    unit_digit: Fraction | None
    percent: bool
    rest: str
    currency: str = ""

    @property
    def rounded(self) -> bool:
        return self.digits is not None


_POWER = (
    r"(?:\s*(?:\\times|\\cdot|\\ast|[x*X×·⋅])\s*10\s*(?:\^|\*\*)\s*"
    r"(?:\{\s*(?P<p1>[-+]?\s*\d{1,6})\s*\}|\(\s*(?P<p2>[-+]?\d{1,6})\s*\)|(?P<p3>[-+]?\d{1,6}))"
    r"|\s?[eE]\s?(?P<p4>[-+]?\d{1,6})(?![\w.])|[eE]\{(?P<p5>[-+]?\d{1,6})\})"
)
_NUMERAL = re.compile(
    r"(?P<sign>[-+]?)\s*(?P<cur>\\?\$|[€£¥₹]|USD|US\$)?\s*(?P<sign2>[-+]?)\s*"
    r"(?P<int>[1-9]\d{0,2}(?:,\d{3})+(?!\d)|[1-9]\d{0,2}(?:[ ']\d{3})+(?![\d/])|\d*)(?P<dec>\.\d*)?" + _POWER + "?"
)
_SLASH = re.compile(r"\s*/\s*(\d+(?:,\d{3})*)(?![\d.])")
UNCERTAINTY = re.compile(r"\s*(?:\\pm|±|\+/?-)\s*0?\.\d+(?![\d.])")
_EUROPEAN = re.compile(r"^[-+]?\d{1,3}(?:\.\d{3})+,\d+(?!\d)")
_RATIO = re.compile(r"\s*:\s*([1-9]\d*)(?![\d.:])")
_MIXED_PLAIN = re.compile(r"([-+]?)\s*(\d+)(?:\s+(?:and\s+)?|-)(\d+)\s*/\s*(\d+)(?![\d.])")
_MIXED_WORDS = re.compile(r"([-+]?)\s*(\d+)\s+and\s+(?:a|one)[\s-]+(half|third|quarter|fourth|fifth)\b", re.IGNORECASE)
_FRAC = re.compile(
    r"([-+]?)\s*(\d*)\s*\\[dtc]?frac\s*(?:\{\s*([-+]?\d+)\s*\}|(\d))\s*(?:\{\s*(\d+)\s*\}|(\d))(?![\d{^_])"
)
#: Numbers as computers write them.
_COMPUTER = re.compile(r"0(?:x[0-9a-fA-F]{1,32}|b[01]{1,64}|o[0-7]{1,32})(?![0-9a-zA-Z])")
_TEN = re.compile(r"([-+]?)\s*10\s*\^\s*(?:\{\s*([-+]?\s*\d{1,6})\s*\}|([-+]?\d{1,6}))(?![\d.])")
_PERCENT = re.compile(r"\s*(?:\\?%|percent(?:age)?\b(?! points?)|per\s?cent\b|pct\b)", re.IGNORECASE)
_SCALE = re.compile(r"\s*[-\s]?((?i:hundred|thousand|million|billion|trillion|dozen))\b(?![/^*])|(k)(?=$|[\s.,;)])")
_SCALES = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12,
           "k": 10**3}  # fmt: skip
_MONEY = re.compile(r"\s?([MmBbKk]|bn|mn)(?![A-Za-z])")
_MONEY_SCALES = {"m": "million", "b": "billion", "k": "thousand"}
_APPROX = re.compile(
    r"^(?:\\?(?:approx|sim|simeq|cong|approximately)\b|≈|~|≃|∼|about\b|approximately\b|approx\.?|roughly\b|around\b|"
    r"\\text\s*\{\s*(?:about|approx(?:imately|\.)?|roughly|around)\s*\}|"
    r"nearly\b|exactly\b|equals?\b|=|circa\b|ca\.|some\b|just\b|only\b|simply\b|a total of\b)\s*:?\s*",
    re.IGNORECASE,
)
_DECIMAL_COMMA = re.compile(r"^([-+]?(?:0(?=,\d+)|\d+(?=,(?:\d{1,2}|\d{4,})(?!\d)))),(\d+)(?![\d,.])")
_EQUALS = re.compile(r"(?<![<>!:\\])(?:=|≈|≃|\\(?:approx|simeq|sim|doteq)(?![a-zA-Z]))(?!=)")
#: What makes two sides anything but equal.
RELATION = re.compile(
    r"[<>≤≥≠≪≫∈∼↔⇔]|\\(?:n?leq?|n?geq?|ne|neq|lt|gt|ll|gg|leqslant|geqslant|in|notin|not|to|rightarrow|mapsto|propto)(?![a-zA-Z])|!="
)


_TEXT_E = re.compile(r"(?<=\d)\s*\\(?:text|mathrm|rm)\s*\{\s*[eE]\s*\}\s*(?=\{?[-+]?\d)")
_MINUS = re.compile(r"^(?:minus|negative)\s+(?=[\d.$\\])", re.IGNORECASE)


def tidy(text: str) -> str:
    """Return an answer's text in the one spelling that this module reads."""
    text = unwrap(unify(text))
    text = re.sub(r",\\!\s?", "", text.replace("{,}", ""))
    text = re.sub(r"(?<=\d)\\[, ;:](?=\d{3}(?!\d))", "", text) if "\\" in text else text
    text = strip_spacing(text).strip()
    if _EUROPEAN.match(text):
        text = text.replace(".", "").replace(",", ".", 1)
    text = _TEXT_E.sub("e", _MINUS.sub("-", text))
    for _ in range(3):
        text, n = _APPROX.subn("", text)
        if not n:
            break
    return text.strip()


def _int(text: str | None) -> int:
    return int((text or "0").replace(" ", "").replace(",", ""))


def leading(text: str) -> Numeral | None:
    """Return the plain numeral that a (tidied) text begins with, or None."""
    if len(text) > MAX_EXPONENT:
        text = text[:MAX_EXPONENT]
    match = _FRAC.match(text)
    if match:
        bottom = _int(match[5] or match[6])
        if not bottom:
            return None
        value = Fraction(_int(match[3] or match[4]), bottom) + _int(match[2])
        return _finish(-value if match[1] == "-" else value, False, None, None, text[match.end() :])
    match = _MIXED_PLAIN.match(text)
    if match and _int(match[4]) and _int(match[3]) < _int(match[4]):
        value = Fraction(_int(match[3]), _int(match[4])) + _int(match[2])
        return _finish(-value if match[1] == "-" else value, False, None, None, text[match.end() :])
    match = _MIXED_WORDS.match(text)
    if match:
        value = _int(match[2]) + Fraction(1, _PARTS[match[3].lower()])
        return _finish(-value if match[1] == "-" else value, False, None, None, text[match.end() :])
    match = _TEN.match(text)
    if match:
        exponent = _int(match[2] or match[3])
        if abs(exponent) > MAX_EXPONENT:
            return None
        value = Fraction(10) ** exponent
        return _finish(-value if match[1] == "-" else value, False, 1, abs(value), text[match.end() :])
    match = _COMPUTER.match(text)
    if match:  # 0xFF
        return _finish(Fraction(int(match[0], 0)), True, None, None, text[match.end() :])
    match = _NUMERAL.match(text)
    if match is None or not (match["int"] or len(match["dec"] or "") > 1) or (match["sign"] and match["sign2"]):
        return None
    whole, part = re.sub(r"[, ']", "", match["int"]), (match["dec"] or "")[1:]
    power = next((p for p in (match["p1"], match["p2"], match["p3"], match["p4"], match["p5"]) if p), None)
    exponent = _int(power) if power else 0
    if abs(exponent) > MAX_EXPONENT:
        return None
    rest = text[match.end() :]
    if part and (spread := UNCERTAINTY.match(rest)):  # 3.0 ± 0.1
        rest = rest[spread.end() :]
    value = Fraction(int(whole + part or "0"), 10 ** len(part)) * Fraction(10) ** exponent
    negative = "-" in (match["sign"], match["sign2"])
    comma = _DECIMAL_COMMA.match(text) if rest[:1] == "," and not part and power is None else None
    if comma:  # 3,14 as a decimal
        value = Fraction(int(comma[1].lstrip("+-") + comma[2]), 10 ** len(comma[2]))
        return _finish(-value if negative else value, False, len(comma[1].lstrip("+-0") + comma[2]),
                       Fraction(1, 10 ** len(comma[2])), text[comma.end() :])  # fmt: skip
    integer = not part and power is None
    slash = (_SLASH.match(rest) or _RATIO.match(rest)) if integer else None
    if slash and _int(slash[1]):
        value /= _int(slash[1])
        return _finish(-value if negative else value, False, None, None, rest[slash.end() :])
    money = _MONEY.match(rest) if match["cur"] else None
    if money:  # $1.5M
        scale = _SCALES[_MONEY_SCALES[money[1].lower()[0]]]
        return _finish((-value if negative else value) * scale, False, None, None, rest[money.end() :])
    digits: int | None = max(len((whole + part).lstrip("0")), 1)
    place: Fraction | None = Fraction(10) ** (exponent - len(part))
    if integer:
        digits, place = None, None
    found = _finish(-value if negative else value, integer, digits, place, rest)
    return replace(found, currency=match["cur"]) if (match["cur"] or "$").strip("\\$") else found


def _finish(value: Fraction, integer: bool, digits: int | None, place: Fraction | None, rest: str) -> Numeral:
    percent = _PERCENT.match(rest)
    if percent:
        return Numeral(value, integer, digits, place, True, rest[percent.end() :].strip())
    scale = _SCALE.match(rest)
    if scale:
        factor = _SCALES[(scale[1] or scale[2]).lower()]
        value, place = value * factor, None if place is None else place * factor
        integer = value.denominator == 1 and digits is None
        rest = rest[scale.end() :]
    return Numeral(value, integer, digits, place, False, rest.strip())


_ONES = {w: i for i, w in enumerate(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen".split())}  # fmt: skip
_TENS = {w: 10 * i for i, w in enumerate(
    "twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}  # fmt: skip
_PARTS = {"half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4,
          "fifth": 5, "fifths": 5, "sixth": 6, "sixths": 6, "seventh": 7, "sevenths": 7, "eighth": 8, "eighths": 8,
          "ninth": 9, "ninths": 9, "tenth": 10, "tenths": 10}  # fmt: skip
_AND_HALF = re.compile(r"and (?:a|one) half\b", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+", re.IGNORECASE)


def words(text: str) -> Numeral | None:
    """Return the number in words that a text begins with ("minus twenty-three", "two thirds"), or None."""
    total, current, seen, negative, end, position = 0, 0, False, False, 0, 0
    value: Fraction | None = None
    while True:
        match = _WORD.match(text, position)
        if match is None:
            break
        word = match[0].lower()
        if word in ("minus", "negative") and not seen:
            negative = True
        elif word in _ONES:
            current, seen = current + _ONES[word], True
        elif word in _TENS:
            current, seen = current + _TENS[word], True
        elif word == "dozen":
            current, seen = max(current, 1) * 12, True
        elif word == "hundred":
            current, seen = max(current, 1) * 100, True
        elif word in ("thousand", "million", "billion", "trillion"):
            total, current, seen = total + max(current, 1) * _SCALES[word], 0, True
        elif word in _PARTS and (seen or word == "half"):
            if seen and current % 100 >= 20 and word not in ("half", "quarter", "halves", "quarters"):
                break  # "twenty third" is an ordinal
            value = Fraction(max(current, 1) if seen else 1, _PARTS[word])
            end = match.end()
            break
        elif word in ("a", "an") and not seen:
            follow = _WORD.match(text, match.end() + 1)
            if not follow or follow[0].lower() not in ("hundred", "thousand", "million", "billion", "dozen", "half",
                                                       "third", "quarter"):  # fmt: skip
                break
            current, seen = (1, True) if follow[0].lower() in _PARTS else (0, False)
        elif word == "and" and seen:
            half = _AND_HALF.match(text, match.start())
            if half:
                value, end = Fraction(2 * (total + current) + 1, 2), half.end()
                break
            follow = _WORD.match(text, match.end() + 1)
            if not follow or follow[0].lower() not in _ONES | _TENS:
                break
        else:
            break
        if seen:
            end = match.end()
        position = match.end()
        if text[position : position + 1] in (" ", "-"):
            position += 1
    if value is None:
        if not seen:
            return None
        value = Fraction(total + current)
    return _finish(-value if negative else value, value.denominator == 1, None, None, text[end:])


@lru_cache(maxsize=8192)
def read_number(text: str) -> Numeral | None:
    """Return the number that an answer states, from plain numerals, LaTeX, words or a constant expression.

    An assignment (`x = 5`) is read as its right side. Text after the number is kept in `rest`.
    """
    if len(text) > MAX_EXPONENT:
        return None
    text = tidy(text)
    found = _simple(text)
    if found is not None:
        return found
    sides = sides_of(text)
    if len(sides) > 1:
        if RELATION.search(_SUBSCRIPT.sub("", text)) or (len(sides) > 2 and re.search(r"[,;]|\b(?:and|or)\b", text)):
            return None  # x = 1, y = 2 is not a number, nor is x = 1 > 0
        return _value_of(sides)
    return constant(text)


#: What stands below a sum or a limit (x \\to 2).
_SUBSCRIPT = re.compile(r"_\s*\{[^{}]{0,60}\}")
_DELIMITERS = re.compile(r"\\[()\[\]]")


def sides_of(text: str) -> list[str]:
    """Return the sides of a chain of equalities; an equality in brackets (P(X = 3)) parts nothing."""
    marks = list(_EQUALS.finditer(text))
    if not marks:
        return [text]
    sides, start, depth, at = [], 0, 0, 0
    for mark in marks:
        between = _DELIMITERS.sub("", text[at : mark.start()])
        depth += sum(map(between.count, "([{")) - sum(map(between.count, ")]}"))
        at = mark.end()
        if depth <= 0:
            sides.append(text[start : mark.start()].strip())
            start = mark.end()
    return [*sides, text[start:].strip()]


def _value_of(sides: list[str]) -> Numeral | None:
    """Return the number that a chain of equalities gives to what it begins with; None where that is an equation.

    `v = 12 / 4 = 3` gives 3, `2x = 10` and `x^2 = 25` give nothing: they say what something else than x is.
    """
    if names_a_value(sides[0]) or (len(sides) > 2 and is_expression_of_several(sides[0])):
        found = _simple(tidy(sides[-1]))
        return found if found is not None else constant(sides[-1])
    if len(sides) == 2 and names_a_value(sides[1]):  # 12 = x
        return _simple(tidy(sides[0])) or constant(sides[0])
    first = _simple(tidy(sides[0])) or constant(sides[0])
    last = _simple(tidy(sides[-1])) or constant(sides[-1])
    if first is None or last is None:
        return None
    one, two = (n.value / 100 if n.percent else n.value for n in (first, last))
    same = abs(one - two) <= abs(two) / 50 or first.value == last.value
    return last if same or (first.rest and last.rest) else None  # 2 + 3 = 5; 3.2 km = 3200 m


_SYMBOLIC_ONLY = re.compile(r"\\(?:frac|text|mathrm|left|right|Delta|partial)(?![a-zA-Z])")
#: Squares that have a name of their own: a coefficient of determination, a variance.
_NAMED_SQUARE = re.compile(r"(?:R|r|\\?(?:chi|sigma)|s|χ|σ)\s*\^\s*\{?2\}?")
#: A function of numbers (C(5, 2)), a ratio of names (a : b).
_NAMED_VALUE = re.compile(r"[A-Za-z]{1,3}\s*\([^()=]{1,40}\)|[a-zA-Z]{1,3}\s*:\s*[a-zA-Z]{1,3}")
_PROSE_WORD = re.compile(r"(?<![\\a-zA-Z])[a-zA-Z]{3,}(?![a-zA-Z])")


def is_expression_of_several(side: str) -> bool:
    """Return whether a side is an expression in two symbols or more: no equation for one unknown."""
    try:
        return len(symbols(parse(strip_spacing(strip_styles(side)).strip(" *_:$")))) > 1
    except (ParseError, RecursionError):
        return False


def names_a_value(side: str) -> bool:
    """Return whether the left side of an equality is a name, in symbols or words, and no expression to be solved."""
    side = strip_spacing(strip_styles(side)).strip(" *_:$")
    if not side or _NAMED_SQUARE.fullmatch(side) or _NAMED_VALUE.fullmatch(side):
        return bool(side)
    if len(side) > 200:
        return False
    try:
        node = parse(side)
    except (ParseError, RecursionError):
        # words ("the total cost"), or a name that the grammar does not know: no operator and no leading number
        words_in = [word for word in _PROSE_WORD.findall(side) if word not in FUNCTIONS and word not in GREEK]
        return bool(words_in) or not re.match(r"[-+\d(]", side) and not re.search(r"[-+*/^]", side)
    return is_name(node) or node[0] == "unit" and is_name(node[1]) or node[0] in ("diff", "lim", "big")


def _simple(text: str) -> Numeral | None:
    found = leading(text)
    if found is not None and found.rest and (alternative := _alternative(found.rest)):
        return _either(found, alternative)
    if found is not None and (not found.rest or _ends_number(found.rest)):
        return found
    if found is None and text[:1].isalpha():
        return words(text)
    if found is None and text.startswith("\\"):
        stripped = strip_styles(text).strip()
        if stripped != text:
            return _simple(stripped)
    return None


#: What puts another answer beside a number: "5 (or 7)", "5 \\to 7", "5 | 7", "5 \\quad 7", "5?".
_ALTERNATIVE = re.compile(
    r"(?P<or>\b(?:or|alternatively|alternately|perhaps|maybe|possibly|otherwise|versus|vs|else)\b|\\l?or(?![a-zA-Z])|\\vee(?![a-zA-Z]))"
    r"|(?:\\(?:to|rightarrow|mapsto|Rightarrow|leftrightarrow|mid|vert|\\|newline|pm|mp)(?![a-zA-Z])|[→⇒↔|?])|\s->\s",
    re.IGNORECASE,
)


def _alternative(rest: str) -> re.Match[str] | None:
    match = _ALTERNATIVE.search(rest) if len(rest) < 200 else None
    return match if match and (re.search(r"\d|\\frac", rest[match.end() :]) or match[0] in "?" or match["or"]) else None


def gives_alternatives(text: str) -> bool:
    """Return whether a text gives a number and another one beside it ("3, or maybe 4")."""
    found = leading(tidy(text[:400]))
    mark = _alternative(found.rest) if found is not None and found.rest else None
    return found is not None and mark is not None and _either(found, mark) is None


def _either(found: Numeral, mark: re.Match[str]) -> Numeral | None:
    """Return a number beside which another one is given, where both are the same (3/4 or 0.75)."""
    if not mark["or"]:
        return None
    rest = found.rest[mark.end() :]
    start = re.search(r"[-+.\d\\$(]", rest)
    other = leading(tidy(rest[start.start() :].lstrip("} $)").rstrip("} $)"))) if start else None
    if other is None or other.rest.strip(" )}.$"):
        return None
    one, two = (n.value / 100 if n.percent else n.value for n in (found, other))
    if one != two and (found.rounded == other.rounded or abs(one - two) > abs(two) / 100):
        return None
    return Numeral(found.value, found.integer, found.digits, found.unit_digit, found.percent,
                   found.rest[: mark.start()].rstrip(" (,;{"))  # fmt: skip


_DEGREE = re.compile(r"^\^?\s*\{?\s*(?:\\circ|\\degree|°)")
_ANOTHER = re.compile(
    r"^[,;]?\s*(?:or|and|to|through|vs\.?|in|out of)\s+[-+$\\]*\s?(?:\d|[a-z]\s*=)|^:\s*\d|^\.\d|^'\s?\d|"
    r"^(?!per\b)[a-z]{2,}\s+(?:and\s+)?\d|"
    r"^to\s+the\s+\w*\s*power",
    re.IGNORECASE,
)
#: "a year", "/month" behind a number.
_RATE = re.compile(r"^(?:an?\s+(?!and\b|or\b)[a-zA-Z]{2,}|/\s*(?!sqrt|pi|sin|cos|tan|log|exp)[a-zA-Z]{3,})")
#: Signs and commands that go on with mathematics; other commands after a number belong to its unit.
_CONTINUES = re.compile(
    r"^(?:[-+*/^_=!<>|&([{\d×·∪∩→⇒↔±?≤≥≠∞π√]|[,;]\s*[-\d(]|sqrt|pi\b|[a-z](?![a-zA-Z])|"
    r"\\(?!text|mathrm|mbox|rm\b|textrm|textbf|mathbf|operatorname|unit|si\b|SI\b|%|\$|,|;|!|:| |\)|\]|circ|degree|"
    r"deg\b|mu\b|Omega\b|ohm|AA|angstrom|celsius|percent|hat|vec|quad\s*\\?(?:text|mathrm)))"
)


def _ends_number(rest: str) -> bool:
    """Return whether what follows a numeral is a unit or prose, not more mathematics or another number."""
    rest = rest.lstrip("$ ") if rest[:1] == "$" else rest
    if _DEGREE.match(rest):
        return True
    if _ANOTHER.match(rest) or _ANOTHER.match(strip_styles(rest[:40]).strip()):
        return False
    if _RATE.match(rest):
        return True
    if re.match(r"of\s+[\d$\\]", rest):  # 25 % of 80
        return False
    if _CONTINUES.match(rest):
        # a lone lower-case letter may be a unit (5 m) as well as a variable (5x)
        return bool(re.match(r"^(?:[msghklNJKCVAWLTFBHeuµdr]|\(?in)\b(?![\^_]?\s*[=])", rest)) and not re.match(
            r"^[a-zA-Z]\s*[-+*]", rest
        )
    return True


def constant(text: str) -> Numeral | None:
    """Return the value of a constant expression such as `2\\sqrt{3}` or `\\frac{\\pi}{4}`, or None."""
    try:
        with limited(NUMBER):
            return _constant(parse(text))
    except (ParseError, RecursionError, OutOfSteps):
        return None


def _constant(node: Node) -> Numeral | None:
    rest = ""
    while node[0] == "unit":
        rest = f"{node[2]} {rest}".strip()
        node = node[1]
    percent = node[0] == "pct"
    if percent:
        node = node[1]
    if node[0] == "deg":
        node, rest = node[1], "°"
    if names := symbols(node):
        node = _without_symbols(node, names) or node
    if symbols(node) or node[0] in ("seq", "set", "paren", "matrix", "rel", "pm", "mp", "union"):
        return None
    try:
        return from_node(node, percent, rest)
    except (Undefined, TooLarge):
        return None


def _without_symbols(node: Node, names: set[str]) -> Node | None:
    """Return the value of a node in which all symbols cancel (x² - x²), or None."""
    if node[0] not in ("add", "div", "mul") or len(names) > 3:
        return None
    from megascience.scoring.math.values import Undecided, same_value

    found = exact(_put(node, {name: Fraction(3 + 4 * i, 7) for i, name in enumerate(sorted(names))}))
    if found is None:
        return None
    top, bottom = (("num", Fraction(part), None) for part in (found.numerator, found.denominator))
    value: Node = top if found.denominator == 1 else ("div", top, bottom)
    try:
        return value if same_value(node, value) else None
    except Undecided:
        return None


def _put(node: Node, values: dict[str, Fraction]) -> Node:
    if node[0] == "sym" and node[1] in values:
        return ("num", values[node[1]], None)
    return tuple(_put(p, values) if isinstance(p, tuple) and p and isinstance(p[0], str) else p for p in node)


def from_node(node: Node, percent: bool = False, rest: str = "") -> Numeral:
    """Return the numeral of a constant node.

    Raises:
        Undefined, TooLarge: the node has no real value of moderate size.
    """
    value = exact(node)
    digits = _digits(node)
    if value is None:
        evaluator = Evaluator()
        number = evaluator(node)
        if evaluator.mp.im(number) != 0:
            raise Undefined("complex")
        real = evaluator.mp.re(number)
        if real != 0 and abs(evaluator.mp.mag(real)) > 4 * MAX_EXPONENT:
            raise TooLarge
        mantissa, exponent = evaluator.mp.frexp(real)
        value = Fraction(int(evaluator.mp.nint(mantissa * 2**160)), 2**160) * Fraction(2) ** int(exponent)
    integer = digits is None and value.denominator == 1 and node[0] in ("num", "neg")
    place = None
    if digits is not None and value:
        import math

        place = Fraction(10) ** (math.floor(_log10(abs(value))) - digits + 1)
    elif digits is not None:
        place = Fraction(0)
    return Numeral(value, integer, digits, place, percent, rest)


def _log10(value: Fraction) -> float:
    import math

    return math.log10(value.numerator) - math.log10(value.denominator)


def _digits(node: Node) -> int | None:
    """Return the fewest significant digits of the decimals in an expression, None where it has none."""
    if node[0] == "num":
        return None if node[2] is None else node[2][0]
    found = [d for part in node[1:] if isinstance(part, tuple) and part and (d := _digits(part)) is not None]
    return min(found) if found else None
