"""Letters and words of a closed set: options, truth values, yes/no/maybe, read from a short answer."""

import re
from functools import lru_cache

from megascience.scoring.text.languages import FALSE, TRUE
from megascience.scoring.text.markup import strip_styles, unify, unwrap

_LEAD = re.compile(
    r"^(?:(?:therefore|thus|so|hence)\b,?\s*)?(?:(?:is|are|be|was|would be|should be|must be)\b\s*)?[:=]?\s*"
    r"(?:(?:the|an?)\s+(?=(?:correct|right|best|final|option|choice|letter|statement|answer)\b))?"
    r"(?:(?:correct|right|best|final|most\s+\w+)\s+)?"
    r"(?:(?:options?|choices?|answers?|letters?|alternatives?|statements?|items?|opción|选项|答案)\b\s*[:#]?\s*(?:is\b|are\b)?\s*[:=]?\s*)?",
    re.IGNORECASE,
)
_MARKS = re.compile(r"\\[{}]|[*_`$\"'“”‘’]+|\\[()\[\]]|\\(?:displaystyle|left|right|,|;|!|quad)(?![a-zA-Z])|[{}]")
#: A letter with what may close it. Group 1 is in brackets, group 2 is bare.
_BRACKETED = re.compile(r"^[(\[<]{1,2}\s*([A-Za-z])\s*[)\]>]{1,2}")
_BARE = re.compile(r"^([A-Z])(?![A-Za-z0-9'’_^]|\s*[=<>+*/^]|-[a-z\d])")
_LOWER = re.compile(r"^([a-z])\s*(?:[).:]|$|\s(?=(?:because|since|due)\b))")
#: Words after a bare A or I that show that it was a letter, not an article or a pronoun.
_AFTER_LETTER = re.compile(
    r"^\s*(?:$|[.,;:)\]!?—–|/&(]|-\s|(?:because|since|as|which|is|are|and|or|due|given|for|with|based|in this|but|not|"
    r"would|from|option|\(|therefore|only|while|however|over|instead|fits)\b)"
)
#: What follows a letter that is the subject of a clause of its own ("A, and B is wrong").
_NO_SUBJECT = (
    r"(?!\s+(?:is|was|would|can|has|are|being|looks|seems|believe|think|guess|am|have|suppose|"
    r"and\s+[A-Z]\s+(?:are|were|is))\b)"
)
#: What may stand between two answers that are given side by side: "A (or B)", "A | B", "A, alternatively B".
BESIDE = (
    r"(?:(?:[\s,;|/&+()\[\]\\?]|[—–-]\s|\.\.\.|…|\b(?:or|and|perhaps|possibly|maybe|probably|alternatively|alternately|"
    r"as\s+well(?:\s+as)?|along\s+with|together\s+with|plus|else|also|then|either|both|versus|vs|otherwise|sometimes|likely|"
    r"potentially|arguably|equally|even|no|not?\s+sure|options?|choices?|letters?)\b\.?){1,12})"
)
_SECOND = re.compile(BESIDE + r"([A-Z])\s*[)\]]?(?![A-Za-z0-9'])(?!(?<=[AI])\s+[a-z])" + _NO_SUBJECT)


def bare(text: str) -> str:
    """Return a short answer without markup, on one line."""
    text = strip_styles(unify(unwrap(text)))
    return " ".join(_MARKS.sub("", text).split())


def letter_at(text: str, options: int = 26) -> tuple[str, int] | None:
    """Return (letter, end) of the option letter that a text without markup begins with, or None."""
    match = _BRACKETED.match(text)
    if match is None:
        match = _BARE.match(text)
        if match and match[1] in "AI" and not _AFTER_LETTER.match(text[match.end() :]):
            return None
        if match is None:
            match = _LOWER.match(text)
    if match is None:
        return None
    letter = match[1].upper()
    return (letter, match.end()) if ord(letter) - 65 < options else None


_SEVERAL = re.compile(
    r"^\W*(?:(?:either|both|between|options?|choices?|could\s+be|is|are)\s+)*[(\[]?([A-Z])[)\]]?\s*"
    r"(?:,|;|&|/|\bor\b|\band\b|,\s*(?:and|or)\b|(?<=[)\]])\s*(?=[(\[][A-Z][)\]]))\s*(?:options?\s+)?"
    r"[(\[]?([A-Z])[)\]]?(?![A-Za-z0-9'])" + _NO_SUBJECT,
    re.IGNORECASE,
)


def lists_letters(text: str, options: int = 26) -> bool:
    """Return whether a stated answer names two options side by side ("(B) or (C)", "A, alternatively B")."""
    text = bare(text[:200])
    match = _SEVERAL.match(text)
    if match and match[1] != match[2] and (match[1] + match[2]).isupper():
        return all(ord(letter) - 65 < options for letter in match.groups())
    text = text[_LEAD.match(text).end() :]  # type: ignore[union-attr]
    found = letter_at(text, options)
    return found is not None and _names_another(text, found, options)


def _names_another(text: str, found: tuple[str, int], options: int) -> bool:
    letter, end = found
    second = _SECOND.match(text, end)
    if second is None or second[1] == letter or ord(second[1]) - 65 >= options:
        return False
    return bool(text[end : second.start(1)].strip())


_ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth"]
_COUNTED = re.compile(
    rf"^(?:the\s+)?(?:(?:option|choice|solution)\s+(?:number\s+|no\.?\s+)?#?([1-9])(?![\d.,/])|({'|'.join(_ORDINALS)})\s+(?:option|choice|one|answer|"
    r"solution|statement))\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=8192)
def read_letter(text: str, options: int = 26) -> str | None:
    """Return the one option letter that a short answer states (`C`, `(C)`, `C. text`, `\\text{(C)}`), or None."""
    text = bare(text[:2_000])
    counted = _COUNTED.match(text)
    if counted:
        position = int(counted[1]) - 1 if counted[1] else _ORDINALS.index((counted[2] or "").lower())
        return chr(65 + position) if 0 <= position < options else None
    text = text[_LEAD.match(text).end() :]  # type: ignore[union-attr]
    found = letter_at(text, options)
    if found is None:
        return None
    return None if _names_another(text, found, options) else found[0]  # two options are not a choice of one


_LETTERS = re.compile(
    r"^[(\[]?\s*[A-Z]\s*[)\].:]?(?:\s*(?:,|;|&|/|\+|\band\b|\bor\b|,\s*and\b|\s|(?<=\))(?=\())\s*(?:options?\s+)?[(\[]?\s*[A-Z]\s*[)\].:]?)*\s*$"
)
_GLUED = re.compile(r"^[A-Z]{2,10}$")
_ITEM = re.compile(
    r"(?:^|[,;&/]|\band\b)\s*(?:options?\s+)?[(\[]?\s*([A-Z])\s*[)\].:](?=\s|$)|(?:^|[,;&/]|\band\b)\s*([A-Z])(?=\s*(?:,|;|&|/|\band\b|$))"
)


@lru_cache(maxsize=8192)
def read_letters(text: str, options: int = 26) -> str | None:
    """Return the option letters that a short answer lists, sorted and joined by commas, or None."""
    text = bare(text[:4_000]).strip("[](){} .")
    if not _GLUED.match(text):  # B and E, not "be"
        text = text[_LEAD.match(text).end() :].strip("[](){} .")  # type: ignore[union-attr]
        text = re.sub(r"(?<=[A-Z)\]])\s+(?:only|are|apply|hold|both)\b.*$", "", text)
        if re.search(r"\b[A-Z]\)?,?\s+or\s+\(?[A-Z]\b|\b(?:possibly|maybe|perhaps)\b", text):
            return None
    if _GLUED.match(text) and len(set(text)) == len(text):
        found = list(text)
    elif _LETTERS.match(text):
        found = re.findall(r"(?<![A-Za-z])[A-Z](?![A-Za-z])", text)
    else:
        found = [a or b for a, b in _ITEM.findall(text)]
        if not found:
            single = letter_at(text, options)
            found = [single[0]] if single else []
    found = sorted({letter for letter in found if ord(letter) - 65 < options})
    return ",".join(found) or None


_NOT = r"(?:not|isn't|is not|never|cannot be|can't be|neither)"
_TRUE = re.compile(r"^(?:true|t|yes|correct|right|valid|holds?)\b(?!\s+or\b)", re.IGNORECASE)
_FALSE = re.compile(
    rf"^(?:false|f|no|incorrect|wrong|invalid|untrue|{_NOT}\s+(?:(?:necessarily|always|entirely|strictly|quite|fully)\s+)?"
    r"(?:true|correct|right|valid))\b(?!\s+or\b)",
    re.IGNORECASE,
)
_WORDS = {**dict.fromkeys(TRUE, "true"), **dict.fromkeys(FALSE, "false")}  # of other languages
_NOT_FALSE = re.compile(rf"^{_NOT}\s+(?:false|incorrect|wrong)\b", re.IGNORECASE)


#: Both truth values side by side, or one on a condition: "True/False", "True (or False)", "true if n is even".
_BOTH = re.compile(
    rf"^(?:not\s+)?(?:true|false|yes|no|correct|incorrect|right|wrong)\b{BESIDE}(?:it\s+is\s+)?(?:not\s+)?(?:true|false|yes|no|correct|incorrect|right|wrong|maybe)\b",
    re.IGNORECASE,
)
_IN_ONE_CASE = re.compile(
    r"^(?:true|false|yes|no|correct|incorrect)\b[\s,(]{1,3}(?:but\s+)?(?:only\s+)?(?:if|when|unless|provided|except|sometimes|assuming|"
    r"as\s+long\s+as|for\s+(?:some|most|even|odd|positive|negative|small|large)|in\s+(?:some|most|certain)\s+cases)\b",
    re.IGNORECASE,
)
_BEFORE_VERDICT = re.compile(
    r"^(?:therefore|so|thus)?,?\s*(?:(?:the|this)\s+(?:statement|assertion|claim|answer)\s+)?(?:is\s+)?"
    r"(?:(?:definitely|clearly|indeed|mostly|generally)\s+)?:?\s*",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def read_boolean(text: str) -> str | None:
    """Return "true" or "false" where a short answer begins with it (or with T, yes, correct, not true …)."""
    text = bare(text[:400])
    text = text[_BEFORE_VERDICT.match(text).end() :]  # type: ignore[union-attr]
    other = _WORDS.get(text.strip(" .。!").lower())
    if other is not None:
        return other
    if _BOTH.match(text) or _IN_ONE_CASE.match(text):
        return None
    if _NOT_FALSE.match(text):
        return "true"
    if _FALSE.match(text):
        return "false"
    return "true" if _TRUE.match(text) else None


_YNM = re.compile(
    r"^(yes|no|maybe)\b(?!\s*(?:/|,?\s*or\b))(?!-)"
    r"(?!(?<=no)\s+(?:\w+ly\s+|clear\s+|strong\s+)?(?:significant|differences?|evidence|effects?|associations?|correlations?|benefits?|change|"
    r"clear|relationship|impact|improvement|increase|decrease|longer|one|more)\b)",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def read_yes_no_maybe(text: str) -> str | None:
    """Return "yes", "no" or "maybe" where a short answer begins with it."""
    match = _YNM.match(
        re.sub(r"^(?:(?:the answer is|answer)\s*:?|a:|\(?[a-c]\))\s*", "", bare(text[:400]), flags=re.IGNORECASE)
    )
    return (
        match[1].lower() if match and not _IN_ONE_CASE.match(match.string) and not _BOTH.match(match.string) else None
    )
