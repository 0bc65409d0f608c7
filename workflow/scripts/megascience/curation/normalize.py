"""Text for comparison: one normalisation, tokens and word shingles for dedup and the n-gram net.

What two texts may differ in and still count as the same tokens:

- case, white space, punctuation, Markdown marks and underscores;
- Unicode compatibility forms (NFKC: ligatures, full-width letters), typographic quotes and dashes;
- Greek letters and operators against their LaTeX names (α = \\alpha, × = \\times, ≤ = \\leq = <=);
- LaTeX delimiters, braces, spacing, font and size commands ($, \\(, \\left, \\mathrm, \\dfrac = \\frac);
- super- and subscripts (x² = x^2 = x^{2}, H₂O = H_2O = H2O) and a space before a unit (5 kg = 5kg).

What stays a difference: every letter and digit, and the operators + - / = < > ^ %, so that
"7 - 3" and "7 + 3" are two questions. A hyphen or slash between two letters only separates words.
Numbers and words are separate tokens; each character of a script without spaces is one token.
"""

import re
import unicodedata
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ζ": "zeta", "η": "eta", "θ": "theta", "ι": "iota",
    "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "τ": "tau", "υ": "upsilon",
    "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
    "ε": "epsilon", "ϵ": "epsilon", "σ": "sigma", "ς": "sigma", "ϕ": "phi", "ϑ": "theta", "µ": "mu",
}  # fmt: skip
_SIGNS = {
    "×": "times", "·": "cdot", "⋅": "cdot", "÷": "div", "±": "pm", "∓": "mp", "√": "sqrt", "∞": "infty",
    "∫": "int", "∑": "sum", "∏": "prod", "∂": "partial", "∇": "nabla", "∈": "in", "∪": "cup", "∩": "cap",
    "⊂": "subset", "⊆": "subseteq", "∀": "forall", "∃": "exists", "→": "to", "⇒": "to", "⇌": "to",
    "≈": "approx", "≡": "equiv", "∝": "propto", "≠": "ne", "°": "circ", "∠": "angle", "∅": "emptyset",
    "≤": "le", "≥": "ge", "−": "-", "–": "-", "‐": "-", "‑": "-", "⁄": "/", "∕": "/",
}  # fmt: skip
_GREEK |= {c.upper(): name for c, name in _GREEK.items()}
# One or two Greek letters are symbols (α, Δλ); three or more are a Greek word and stay.
_GREEK_BLOCKS = "\u0370-\u03ff\u1f00-\u1fff"
_SYMBOL = re.compile(f"(?<![{_GREEK_BLOCKS}])[{''.join(_GREEK)}]{{1,2}}(?![{_GREEK_BLOCKS}])")
_TRANSLATION = str.maketrans({c: f" {name} " if name.isalpha() else name for c, name in _SIGNS.items()})
_SUPERSCRIPTS = re.compile("([⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ]+)")
# Scripts that are written without spaces: Thai to Myanmar, kana, CJK ideographs.
_UNSPACED = re.compile("([\u0e00-\u109f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])")
# Combining marks, Hebrew to Thaana and the Indic scripts hold marks inside words.
_NO_WORD = re.compile(r"[^\w\x00-\x7f\u0300-\u036f\u0590-\u07ff\u0900-\u0dff]+")
# What is folded at a time: a run of non-ASCII characters, with the letter that a combining mark sits on.
_FOREIGN = re.compile("(?:[\x00-\x7f](?=[\u0300-\u036f]))?[^\x00-\x7f]+")

#: LaTeX commands that say how something looks, not what it is.
LOOKS = (
    "left", "right", "big", "bigl", "bigr", "bigg", "biggl", "biggr", "middle", "displaystyle", "textstyle",
    "limits", "nolimits", "mathrm", "mathbf", "mathit", "mathsf", "mathtt", "mathbb", "mathcal", "mathfrak",
    "boldsymbol", "bm", "rm", "bf", "it", "text", "textbf", "textit", "textrm", "textsf", "mbox", "hbox",
    "operatorname", "quad", "qquad", "hspace", "vspace", "thinspace", "enspace", "space", "ensuremath", "emph",
    "underline", "begin", "end", "label", "nonumber",
)  # fmt: skip
#: LaTeX commands with a second name.
SYNONYMS = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "leq": "le", "leqslant": "le", "geq": "ge", "geqslant": "ge",
    "neq": "ne", "rightarrow": "to", "longrightarrow": "to", "implies": "to", "rightleftharpoons": "to",
    "varepsilon": "epsilon", "varphi": "phi", "vartheta": "theta", "degree": "circ", "lvert": "vert", "rvert": "vert",
    "ldots": "dots", "cdots": "dots", "dotsc": "dots", "iint": "int",
}  # fmt: skip


def fold_unicode(text: str) -> str:
    """Return the text with non-ASCII characters folded as the module's opening says; ASCII text is left alone."""
    return text if text.isascii() else _FOREIGN.sub(lambda run: _fold_run(run[0]), text)


@lru_cache(maxsize=1 << 16)
def _fold_run(run: str) -> str:
    """Fold a run of non-ASCII characters: there are few different ones, so that most are folded once."""
    # Signs before and after NFKC: it turns some of them into others, and superscripts into plain digits.
    run = unicodedata.normalize("NFKC", _SUPERSCRIPTS.sub(r"^\1", run).translate(_TRANSLATION))
    run = _SYMBOL.sub(lambda found: " ".join(["", *(_GREEK[c] for c in found[0]), ""]), run)
    return _NO_WORD.sub(" ", _UNSPACED.sub(r" \1 ", run.lower().translate(_TRANSLATION)))


def shingle_hashes(texts: pa.Array | pa.ChunkedArray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each text's set of word shingles as sorted, distinct 64-bit hashes.

    Args:
        texts: n strings; null counts as empty.
        size: words in a shingle. A text of fewer words is one shingle of all its words.

    Returns:
        hashes (uint64) and offsets (int64, n + 1): text i has hashes[offsets[i]:offsets[i + 1]],
        none where no token is left. Equal on every machine and in every run.
    """
    from megascience.curation import minhash

    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    texts = pc.fill_null(texts.cast(pa.large_string()), "")
    if not len(texts):
        return np.empty(0, np.uint64), np.zeros(1, np.int64)
    ascii_only = pc.string_is_ascii(texts)
    if not pc.all(ascii_only).as_py():
        foreign = pc.invert(ascii_only)
        folded = pa.array([fold_unicode(t) for t in texts.filter(foreign).to_pylist()], pa.large_string())
        texts = pc.replace_with_mask(texts, foreign, folded)
    _, offsets, data = texts.buffers()
    starts = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    content = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)
    return minhash.shingles(content, starts, size, {**dict.fromkeys(LOOKS, ""), **SYNONYMS})
