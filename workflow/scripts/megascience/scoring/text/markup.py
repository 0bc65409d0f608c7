"""Text with LaTeX and Markdown in it: finding groups, taking wrappers off, plain forms for comparison."""

import re
import unicodedata
from collections.abc import Iterator

#: Commands that only change how their argument looks.
_STYLE = (
    "text|textbf|textit|textrm|texttt|textsf|textnormal|textup|emph|mathrm|mathbf|mathit|mathsf|mathtt|mathnormal|"
    "boldsymbol|bm|mbox|hbox|operatorname|operatorname\\*|underline|ensuremath|displaystyle|rm|bf|it|ce|pu|mathcal|bold"
)
_STYLE_GROUP = re.compile(rf"\\(?:{_STYLE})\s*\{{((?:[^{{}}]|\{{[^{{}}]*\}})*)\}}")
#: A command right before a styled group: \\cdot\\text{m} must not become \\cdotm.
_GLUED_STYLE = re.compile(rf"(\\[a-zA-Z]+)(?=\\(?:{_STYLE})\s*\{{)")
_STYLE_BARE = re.compile(r"\\(?:displaystyle|textstyle|scriptstyle|rm|bf|it|limits|nolimits|bold)(?![A-Za-z])")
_SIZES = re.compile(r"\\(?:left|right|middle|[bB]igg?[lrm]?)(?![A-Za-z])\s*")
_SPACES = re.compile(
    r"(?<!\\)\\[,;:! ]|\\(?:quad|qquad|thinspace|enspace|hfill|phantom\{[^{}]*\})(?![A-Za-z])|~|&nbsp;|\u00a0"
)
_BOX = re.compile(r"\\(?:boxed|fbox|framebox)\s*")

_UNICODE = str.maketrans(
    {
        "−": "-", "–": "-", "‐": "-", "‑": "-", "﹣": "-", "－": "-", "×": "*", "⋅": "*", "·": "*", "∙": "*", "÷": "/",
        "⁄": "/", "∕": "/", "，": ",", "、": ",", "。": ".", "：": ":", "；": ";", "（": "(", "）": ")", "［": "[",
        "］": "]", "｛": "{", "｝": "}", "％": "%", "＝": "=", "＋": "+", "“": '"', "”": '"', "‘": "'", "’": "'",
        "′": "'", "\u200b": None, "\u200c": None, "\u200d": None, "\ufeff": None, "\u2061": None, "\u2062": None,
        "\u2009": " ", "\u202f": " ", "\u2002": " ", "\u2003": " ", "\u2005": " ", "\u2006": " ", "\u2008": " ",
    }
)  # fmt: skip
_SUPER = {ord(a): b for a, b in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n", strict=True)}
_SUB = {ord(a): b for a, b in zip("₀₁₂₃₄₅₆₇₈₉₊₋", "0123456789+-", strict=True)}
_SUPER_RUN = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ]+")
_SUB_RUN = re.compile("[₀₁₂₃₄₅₆₇₈₉₊₋]+")


#: Full-width, circled and mathematical letters and digits as ASCII, one character for one: spans stay right.
_FOLDED = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_FOLDED |= {0x24B6 + i: 65 + i for i in range(26)} | {0x24D0 + i: 97 + i for i in range(26)}
_FOLDED |= {
    code: ord(plain_char)
    for code in range(0x1D400, 0x1D800)
    if len(plain_char := unicodedata.normalize("NFKC", chr(code))) == 1 and plain_char.isascii()
}
_FOLDED |= dict.fromkeys((0xA0, 0x2002, 0x2003, 0x2009, 0x202F, 0x3000), 32)


def fold(text: str) -> str:
    """Return a text of the same length with letters, digits and brackets that only look different in ASCII."""
    return text if text.isascii() else text.translate(_FOLDED)


#: A group that holds more than this is not an answer.
_MAX_GROUP = 16_000


def group_end(text: str, start: int) -> int:
    """Return the index after the group that opens with "{" at `start`, or -1 where it does not close (soon)."""
    depth, i, n = 0, start, min(len(text), start + _MAX_GROUP)
    while i < n:
        char = text[i]
        if char == "\\":
            i += 2
            continue
        if char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                return i + 1
        i += 1
    return -1


def boxes(text: str, last: int = 32) -> Iterator[tuple[int, int, int, int]]:
    """Yield (start, end, content start, content end) of the last boxes of a text, in order, outer ones only.

    An unclosed box (a truncated completion) is left out.
    """
    covered = -1
    for match in list(_BOX.finditer(text))[-last:]:
        if match.start() < covered:
            continue
        begin = match.end()
        if begin < len(text) and text[begin] == "{":
            end = group_end(text, begin)
            if end > 0:
                covered = end
                yield match.start(), end, begin + 1, end - 1
        else:
            bare = re.compile(r"\(?[-+]?[\w.,]+\)?").match(text, begin)
            if bare and text[match.end() - 1 : match.end()].isspace():
                yield match.start(), bare.end(), bare.start(), bare.end()


#: A power of ten whose superscript was lost (1.2 x 10-3), or is in words (1.2 times 10 to the power of -3).
_LOST_POWER = re.compile(
    r"(?<=\d)\s*(?:\s[xX]\s?|[×·⋅]|\\times\s*|\\cdot\s*)\s*10(?:\s?[-−–]|\^\s*\(\s*[-−–]\s*(?=\d+\)))(\d{1,2})(?![\d.]|\s*[-+*/=×])\)?"
)
_POWER_IN_WORDS = re.compile(
    r"(?<=\d)\s*(?:times|[x×*]|\\times)\s*(?:10|ten)\s+to\s+the\s+(?:power\s+(?:of\s+)?)?(-|−|minus\s+|negative\s+)?"
    r"(\d{1,3})(?:th|rd|st|nd)?(?:\s+power)?",
    re.IGNORECASE,
)


#: Fractions in one character.
_VULGAR = re.compile("[¼½¾⅐-⅞]")


def _vulgar(match: re.Match[str]) -> str:
    top, bottom = unicodedata.normalize("NFKC", match[0]).split("\u2044")
    return f"\\frac{{{top}}}{{{bottom}}}"


def unify(text: str) -> str:
    """Return the text with Unicode variants of signs, spaces, superscripts and subscripts in plain spelling."""
    if "10" in text:
        text = _LOST_POWER.sub(r" * 10^{-\1}", text)
    if " to the " in text:
        text = _POWER_IN_WORDS.sub(lambda m: f" * 10^{{{'-' if m[1] else ''}{m[2]}}}", text)
    if text.isascii():
        return text
    text = text.translate(_UNICODE)
    if text.isascii():
        return text
    if _VULGAR.search(text):
        text = _VULGAR.sub(_vulgar, text)
    text = _SUPER_RUN.sub(lambda m: "^{" + m[0].translate(_SUPER) + "}", text)
    return _SUB_RUN.sub(lambda m: "_{" + m[0].translate(_SUB) + "}", text)


def strip_styles(text: str) -> str:
    """Return the text without commands that only change how their argument looks."""
    if "\\" not in text:
        return text
    text = _GLUED_STYLE.sub(r"\1 ", text)
    for _ in range(4):
        text, n = _STYLE_GROUP.subn(r"\1", text)
        if not n:
            break
    return _STYLE_BARE.sub("", text)


def strip_spacing(text: str) -> str:
    """Return the text without sizes (`\\left`) and with LaTeX's spaces as plain ones."""
    if "\\" in text:
        text = _SIZES.sub("", re.sub(r"(?<!\\)\\!", "", text))
        text = re.sub(r"\\q?quad(?=[a-zA-Z]_|[a-zA-Z]\s*=)", " ", text)  # \quadx_2 for \quad x_2
    return _SPACES.sub(" ", text)


_WRAPS = (
    ("$$", "$$"), ("$", "$"), ("\\[", "\\]"), ("\\(", "\\)"), ("**", "**"), ("__", "__"), ("*", "*"), ("`", "`"),
    ('"', '"'), ("'", "'"), ("<answer>", "</answer>"),
)  # fmt: skip


def unwrap(text: str) -> str:
    """Take white space, math delimiters, Markdown marks, quotes, boxes and a final full stop off an answer."""
    for _ in range(8):
        before = text
        text = text.strip().strip("\u200b")
        if text[-1:] in ".;,:" and text and text[-2:] not in ("..", "\\,", "\\!", "\\;", "\\:"):
            text = text[:-1].rstrip()
        for left, right in _WRAPS:
            if len(text) > len(left) + len(right) and text.startswith(left) and text.endswith(right):
                inner = text[len(left) : -len(right)]
                if left not in inner and right not in inner:
                    text = inner
        match = _BOX.match(text)
        if match and text[match.end() : match.end() + 1] == "{" and group_end(text, match.end()) == len(text):
            text = text[match.end() + 1 : -1]
        if text.startswith("{") and group_end(text, 0) == len(text) and "," not in text:
            text = text[1:-1]
        if text == before:
            break
    return text


def plain(text: str) -> str:
    """Return the text for comparison as prose: no markup, one space, lower case, no final punctuation."""
    text = unicodedata.normalize("NFKC", unify(unwrap(text)))
    text = strip_spacing(strip_styles(text))
    text = re.sub(r"\\[()\[\]]|[$*`{}]", "", text).replace("\\%", "%").replace("_", " ")
    return " ".join(text.casefold().split()).strip(" .,;:!?\"'")
