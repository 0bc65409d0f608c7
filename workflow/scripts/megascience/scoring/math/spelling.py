"""One spelling for answers in LaTeX, Unicode or plain text, before they are parsed."""

import re
from typing import Any

from megascience.scoring.text.markup import strip_spacing, unify

FUNCTIONS = frozenset(
    "sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc asin acos atan sinh cosh tanh coth sech csch "
    "arcsinh arccosh arctanh asinh acosh atanh ln log lg exp sqrt cbrt abs max min gcd lcm floor ceil sgn sign det "
    "Re Im arg Gamma erf tr rank dim deg cis".split()
)


_GREEK = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho varrho sigma "
    "tau upsilon phi varphi chi psi omega Delta Theta Lambda Xi Sigma Upsilon Phi Psi Omega ell hbar nabla partial"
)


GREEK = frozenset(_GREEK.split())


_GREEK_CHARS = {
    **dict(zip("αβγδεζηθικλμνξρστυφχψω", (
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi chi psi "
        "omega").split(), strict=True)),
    "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi",
    "Ω": "Omega", "µ": "mu", "ϕ": "phi", "ϵ": "epsilon", "ℓ": "ell", "ħ": "hbar", "∂": "partial",
}  # fmt: skip


_CHARS = {
    "π": r"\pi ", "∞": r"\infty ", "√": r"\sqrt ", "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "∪": r"\cup ",
    "∩": r"\cap ", "∈": r"\in ", "±": r"\pm ", "∓": r"\mp ", "°": r"^\circ ", "∅": r"\emptyset ", "≈": r"\approx ",
    "→": r"\to ", "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "⟨": r"\langle ", "⟩": r"\rangle ", "∖": r"\setminus ",
    "½": r"\frac{1}{2}", "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}", "⅓": r"\frac{1}{3}", "⅔": r"\frac{2}{3}",
    "⅛": r"\frac{1}{8}", "∧": r"\land ", "∨": r"\lor ", "…": r"\ldots ", "⌊": r"\lfloor ", "⌋": r"\rfloor ",
    "⌈": r"\lceil ", "⌉": r"\rceil ", **{char: f"\\{name} " for char, name in _GREEK_CHARS.items()},
}  # fmt: skip


_CHAR_RUN = re.compile("[" + "".join(_CHARS) + "]")


def _repeating(whole: str, fixed: str, period: str) -> str:
    """Return a repeating decimal (0.1666…, with the period 6) as a fraction."""
    if len(whole) + len(fixed) + len(period) > 60:
        return f"{whole}.{fixed}{period}"
    scale = 10 ** len(fixed) * (10 ** len(period) - 1)
    value = int(whole + fixed + period or "0") - int(whole + fixed or "0")
    return f"\\frac{{{value}}}{{{scale}}}"


_REWRITES: tuple[tuple[re.Pattern[str], Any], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?<!\\)\\\\(?=[a-zA-Z])(?!\\)(?=(?:frac|dfrac|sqrt|pi|cdot|times|text|infty|left|right|begin|end|leq?|"
         r"geq?|in|cup|pm|mathrm|mathbb)\b)", r"\\"),
        (r"\\[dtc]frac(?![a-z])", r"\\frac"),
        (r"^([^{}]*\\(?:over|choose)(?![a-zA-Z])[^{}]*)$", r"{\1}"),
        (r"\{([^{}]*)\\over(?![a-zA-Z])([^{}]*)\}", r"\\frac{\1}{\2}"),
        (r"\{([^{}]*)\\choose(?![a-zA-Z])([^{}]*)\}", r"\\binom{\1}{\2}"),
        (r"\\var(epsilon|phi|theta|rho|sigma|kappa|pi)(?![a-zA-Z])", r"\\\1"),
        (r"(?<![\d.])(\d*)\.(\d*)\\(?:overline|bar|dot)\s*\{\s*(\d+)\s*\}", lambda m: _repeating(m[1], m[2], m[3])),
        (r"(?<![\d.])(\d*)\.(\d*?)(\d)\3{2,}\s*(?:\.\.\.|\\[lc]?dots(?![a-zA-Z]))",
         lambda m: _repeating(m[1], m[2], m[3])),
        (r"(?<![\d.])(\d*)\.(\d*?)(\d)\3+\s*\(?(?:repeating|recurring)\)?", lambda m: _repeating(m[1], m[2], m[3])),
        (r"(?<![\d.])(\d*)\.(\d*)\((\d{1,9})\)(?:\s*(?:repeating|recurring))?(?![\d(])",
         lambda m: _repeating(m[1], m[2], m[3])),
        (r"^\s*\[([^\[\];]+(?:;[^\[\];]+)+)\]\s*$",
         lambda m: "[" + ",".join(f"[{row}]" for row in m[1].split(";")) + "]"),
        (r"\\(?:cdot|times|ast|star|cdotp|bullet)(?![a-zA-Z])", "*"),
        (r"\\div(?![a-zA-Z])", "/"),
        (r"\*\*", "^"),
        (r"\\(?:leq|leqslant|leqq)(?![a-zA-Z])|<=", r"\\le "),
        (r"\\(?:geq|geqslant|geqq)(?![a-zA-Z])|>=|=>", r"\\ge "),
        (r"^\s*<([^<>=]*,[^<>=]*)>\s*$", r"(\1)"),
        (r"\\lt(?![a-zA-Z])", "<"),
        (r"(?<![a-zA-Z])([a-zA-Z])\s+in\s+(?=[\[({\\])", r"\1 \\in "),
        (r"\\gt(?![a-zA-Z])", ">"),
        (r"\\(?:neq|not\s*=)(?![a-zA-Z])|!=|\\not=", r"\\ne "),
        (r"\\(?:approx|simeq|cong|equiv|triangleq|coloneqq)(?![a-zA-Z])|==|:=|≈", "="),
        (r"\\(?:implies|Rightarrow|Longrightarrow|iff|Leftrightarrow)(?![a-zA-Z])", ";"),
        (r"\\(?:operatorname\*?|mathrm|text|textrm|mathop|rm)\s*\{\s*(" + "|".join(sorted(FUNCTIONS, key=len)[::-1])
         + r")\s*\}", r"\\\1 "),
        (r"\\(?:mathrm|text)\s*\{\s*d\s*\}\s*(?=\\?[a-zA-Z])", " d"),
        (r"\\(?:mathrm|text|rm|operatorname|mathbf|boldsymbol|mathit)\s*\{\s*([a-zA-Z])\s*\}", r"{\1}"),
        (r"\\(?:hat|mathbf|boldsymbol|widehat|bm)\s*(?:\{\s*\\?(?:mathbf\s*\{?)?([ijkxyz])(?:math)?\s*\}?\s*\}|\\?([ijkxyz])(?:math)?(?![a-zA-Z]))",
         r" e_{hat \1\2} "),
        (r"\\overline\s*(?=\{\s*[A-Z]{2,}\s*\})", ""),
        (r"\\(?:vec|mathbf|boldsymbol|bm|overrightarrow|mathcal|mathscr)"
         r"\s*(?:\{\s*(\\?[a-zA-Z]+)\s*\}|(\\?[a-zA-Z]))", r"{\1\2}"),
        (r"\\(?:lbrace)(?![a-zA-Z])", r"\\{"),
        (r"\\(?:rbrace)(?![a-zA-Z])", r"\\}"),
        (r"\\(?:lbrack)(?![a-zA-Z])", "["),
        (r"\\(?:rbrack)(?![a-zA-Z])", "]"),
        (r"\\(?:lvert|rvert|mid|vert)(?![a-zA-Z])", "|"),
        (r"(?:\||\\(?:vert|mid|lvert))\s*([^|<>\\$]{1,24}?|\\[a-zA-Z]+)\s*(?:\\rangle(?![a-zA-Z])|⟩)|\\ket\s*\{([^{}]*)\}",
         lambda m: "\\psi_{ket " + (m[1] or m[2] or "").replace("\\", "") + "}"),
        (r"\\(?:langle|rangle)(?![a-zA-Z])", lambda m: "(" if "lang" in m[0] else ")"),
        (r"\\(?:varnothing)(?![a-zA-Z])|\\\{\s*\\\}", r"\\emptyset "),
        (r"\\(?:dots|ldots|cdots|hdots)(?![a-zA-Z])", r"\\ldots "),
        (r"\^\s*\{?\s*\\(?:circ|degree)\s*\}?|\\degree(?![a-zA-Z])", r"\\deg "),
        (r"(?<=[\d\s}])(?:degrees?|deg)(?![a-zA-Z])|\\(?:text|mathrm)\{\s*(?:degrees?|deg)\.?\s*\}", r"\\deg "),
        (r"\\\$|\\(?:displaystyle|textstyle|limits|nolimits|rm|bf|it|bold|mathstrut|hline|phantom\{[^{}]*\})"
         r"(?![a-zA-Z])", " "),
        (r"\{,\}", ""),
        (r"(?<=\d),\s*\\!\s*(?=\d{3})|(?<=\d)\\[,;]\s*(?=\d{3}(?!\d))", ""),
    )
)  # fmt: skip


_THOUSANDS = re.compile(r"(?<![\d.,])([1-9]\d{0,2}(?:,\d{3})+)(?![\d,])")


_MIXED = re.compile(r"(?<![\d.,^_/*\\}])(\d+)\s+(\d+)\s*/\s*(\d+)(?![\d.])")


_E_NOTATION = re.compile(r"(?<![a-zA-Z\d.])(\d+(?:\.\d*)?|\.\d+)[eE]([-+]?\d+)(?![\d.a-zA-Z])")


def spell_greek(text: str) -> str:
    """Return the text with Greek letters as words, for comparison of prose (β decay, \\beta decay)."""
    text = re.sub(rf"\\({_GREEK.replace(' ', '|')})(?![a-zA-Z])", r"\1", text)
    return text if text.isascii() else "".join(_GREEK_CHARS.get(char, char) for char in text)


#: Marks of vectors, between which \\times is not a product of numbers.
_VECTORS = re.compile(r"\\(?:vec|mathbf|boldsymbol|bm|nabla|overrightarrow)(?![a-zA-Z])")
_CROSS = re.compile(r"\\times(?![a-zA-Z])")


def clean(text: str) -> str:
    """Return the answer with Unicode, spacing, sizes and synonyms of commands in one spelling."""
    text = unify(text)
    if not text.isascii():
        text = re.sub(r"√\s*(\d+(?:\.\d+)?)", r"\\sqrt{\1}", text)
        text = _CHAR_RUN.sub(lambda m: _CHARS[m[0]], text)
    for pattern, replacement in _REWRITES[-1:] if "\\" not in text else _REWRITES[-2:]:
        text = pattern.sub(replacement, text)
    if "\\times" in text and _VECTORS.search(text):
        text = _CROSS.sub(r"\\cross ", text)
    text = strip_spacing(text)
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    text = text.replace("$", " ").replace("\\(", " ").replace("\\)", " ").replace("\\[", "[").replace("\\]", "]")
    text = _MIXED.sub(r"(\1+\\frac{\2}{\3})", text)
    return _E_NOTATION.sub(r"(\1*10^{\2})", text)


def join_thousands(text: str) -> str:
    """Join groups of three digits outside of brackets, where a comma may as well part a list."""
    out, depth, last = [], 0, 0
    for match in _THOUSANDS.finditer(text):
        between = text[last : match.start()]
        depth += sum(between.count(c) for c in "([") + between.count("\\{")
        depth -= sum(between.count(c) for c in ")]") + between.count("\\}")
        out.append(between)
        out.append(match[0] if depth > 0 else match[0].replace(",", ""))
        last = match.end()
    return "".join(out) + text[last:]
