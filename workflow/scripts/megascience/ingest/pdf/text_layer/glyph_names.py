"""Glyph names: the text that a glyph's name stands for, by Adobe's list and by the names of TeX's fonts."""

import re
from functools import cache

#: Names of TeX's fonts (Computer Modern and the AMS symbols) that Adobe's list lacks or takes for something else.
_TEX = {
    # relations
    "lessmuch": "≪", "greatermuch": "≫", "equivasymptotic": "≍", "precedes": "≺", "follows": "≻",
    "precedesequal": "⪯", "followsequal": "⪰", "similarequal": "≃", "approxequal": "≈", "turnstileleft": "⊢",
    "turnstileright": "⊣", "mapsto": "↦", "negationslash": "\u0338", "latticetop": "⊤", "perpendicular": "⊥",
    "unionsq": "⊔", "intersectionsq": "⊓", "subsetsqequal": "⊑", "supersetsqequal": "⊒", "unionmulti": "⊎",
    "owner": "∋", "lessorequalslant": "⩽", "greaterorequalslant": "⩾", "lessorsimilar": "≲", "greaterorsimilar": "≳",
    "lessorapproxeql": "⪅", "greaterorapproxeql": "⪆", "lessorgreater": "≶", "greaterorless": "≷", "muchless": "≪",
    "muchgreater": "≫", "lessdbl": "≦", "greaterdbl": "≧", "therefore": "∴", "because": "∵", "defines": "≜",
    "notequal": "≠", "proportional": "∝", "multimap": "⊸", "forces": "⊩", "satisfies": "⊨", "similar": "∼",
    "notelement": "∉", "notsimilar": "≁", "notlessequal": "≰", "notgreaterequal": "≱", "divides": "∣",
    "notdivides": "∤", "notparallel": "∦", "parallel": "∥", "subsetnoteql": "⊊", "supersetnoteql": "⊋",
    # operators
    "star": "⋆", "asteriskmath": "∗", "diamondmath": "⋄", "circlecopyrt": "○", "openbullet": "◦", "circledot": "⊙",
    "circledivide": "⊘", "circleminus": "⊖", "wreathproduct": "≀", "logicaland": "∧", "logicalor": "∨",
    "coproduct": "∐", "product": "∏", "summation": "∑", "integral": "∫", "contintegral": "∮", "union": "∪",
    "intersection": "∩", "radical": "√", "radicalvertex": "", "radicaltp": "", "minusplus": "∓", "squaremultiply": "⊠",
    "squareplus": "⊞", "squaredot": "⊡", "squareminus": "⊟", "proper": "⊂", "propersubset": "⊂", "propersuperset": "⊃",
    # letters and signs
    "prime": "′", "lscript": "ℓ", "partialdiff": "∂", "planckover2pi": "ℏ", "planckover2pi1": "ℏ", "epsilon1": "ϵ",
    "theta1": "ϑ", "pi1": "ϖ", "rho1": "ϱ", "sigma1": "ς", "phi1": "φ", "phi": "ϕ", "epsilon": "ε", "Ifractur": "ℑ",
    "Rfractur": "ℜ", "universal": "∀", "existential": "∃", "notexistential": "∄", "emptyset": "∅",
    "element": "∈", "triangle": "△", "triangleinv": "▽", "triangleright": "▷", "triangleleft": "◁", "complement": "∁",
    "square": "□", "squaresolid": "■", "check": "✓", "maltesecross": "✠", "lozenge": "◊", "angle": "∠",
    "measuredangle": "∡", "sphericalangle": "∢", "flat": "♭", "natural": "♮", "sharp": "♯", "slurabove": "⌢",
    "slurbelow": "⌣", "beth": "ℶ", "gimel": "ℷ", "daleth": "ℸ", "visiblespace": "␣", "suppress": "\u0335",
    "dotlessj": "ȷ", "sfthyphen": "-", "hyphenchar": "-", "hyphen": "-", "nbspace": " ", "space": " ",
    "perthousandzero": "0", "zerosmall": "", "cwm": "", "compwordmark": "", "ff": "ff", "fi": "fi", "fl": "fl",
    "ffi": "ffi", "ffl": "ffl", "threequartersemdash": "—", "radicalex": "", "arrowhorizex": "", "rupiah": "Rp",
    "longst": "st", "st": "st", "ct": "ct", "Th": "Th", "tt": "tt", "ti": "ti",
    # arrows
    "arrowright": "→", "arrowleft": "←", "arrowup": "↑", "arrowdown": "↓", "arrowboth": "↔", "arrowbothv": "↕",
    "arrownortheast": "↗", "arrowsoutheast": "↘", "arrownorthwest": "↖", "arrowsouthwest": "↙",
    "arrowdblright": "⇒", "arrowdblleft": "⇐", "arrowdblup": "⇑", "arrowdbldown": "⇓", "arrowdblboth": "⇔",
    "arrowdblbothv": "⇕", "harpoonleftright": "⇌", "harpoonrightleft": "⇋", "arrowlefttophalf": "↼",
    "arrowleftbothalf": "↽", "arrowrighttophalf": "⇀", "arrowrightbothalf": "⇁", "arrowhookleft": "\u21a9",
    "arrowhookright": "\u21aa", "dblarrowleft": "⇇", "dblarrowright": "⇉", "squiggleright": "⇝", "arrowvertex": "|",
    "arrowvertexdbl": "‖",
    # fences
    "angbracketleft": "⟨", "angbracketright": "⟩", "floorleft": "⌊", "floorright": "⌋", "ceilingleft": "⌈",
    "ceilingright": "⌉", "bar": "|", "bardbl": "‖", "vextendsingle": "|", "vextenddouble": "‖",
    "parenlefttp": "⎛", "parenleftex": "⎜", "parenleftbt": "⎝", "parenrighttp": "⎞", "parenrightex": "⎟",
    "parenrightbt": "⎠", "bracketlefttp": "⎡", "bracketleftex": "⎢", "bracketleftbt": "⎣", "bracketrighttp": "⎤",
    "bracketrightex": "⎥", "bracketrightbt": "⎦", "bracelefttp": "⎧", "braceleftmid": "⎨", "braceleftbt": "⎩",
    "braceex": "⎪", "bracerighttp": "⎫", "bracerightmid": "⎬", "bracerightbt": "⎭", "integraltp": "⌠",
    "integralbt": "⌡", "integralex": "⎮", "bracehtipdownleft": "", "bracehtipdownright": "", "bracehtipupleft": "",
    "bracehtipupright": "",
    # accents that are set on letters
    "vector": "\u20d7", "tie": "\u0361", "dotaccent": "˙", "hungarumlaut": "˝", "caron": "ˇ", "breve": "˘",
    "macron": "¯", "tilde": "˜", "circumflex": "ˆ", "dieresis": "¨", "acute": "´", "grave": "`", "ring": "˚",
    "hat": "ˆ", "cedilla": "¸", "ogonek": "˛",
}  # fmt: skip

# ways in which a font names another form of a sign: a size, a place, a style of figures
_FORM = re.compile(
    r"(?:display|text|bigg?|Bigg?|wide(?:r|st)?|oldstyle|oldstyl|taboldstyle|fitted|small|superior|inferior|tab|prop"
    r"|swash|alt|sc|sans|serif|ex)$"
)
_CODED = re.compile(r"(?:uni((?:[0-9A-F]{4})+)|u([0-9A-F]{4,6}))$")

#: The codes of the font Symbol from 0x61 and 0x41, which office programs put in the private use area.
_SYMBOL = dict(zip(range(0x41, 0x5B), "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ", strict=True))
_SYMBOL |= dict(zip(range(0x61, 0x7B), "αβχδεφγηιϕκλμνοπθρστυϖωξψζ", strict=True))
_SYMBOL |= {code: chr(code) for code in (*range(0x20, 0x22), 0x23, *range(0x28, 0x2A), *range(0x2E, 0x3E), 0x3F)}
_SYMBOL |= {
    0x22: "∀",
    0x24: "∃",
    0x25: "%",
    0x26: "&",
    0x27: "∋",
    0x2A: "∗",
    0x2B: "+",
    0x2C: ",",
    0x2D: "−",
    0x3E: ">",
}
_SYMBOL |= {
    0x40: "≅",
    0x5B: "[",
    0x5C: "∴",
    0x5D: "]",
    0x5E: "⊥",
    0x5F: "_",
    0x7B: "{",
    0x7C: "|",
    0x7D: "}",
    0x7E: "∼",
}
_SYMBOL |= dict(zip(range(0xA1, 0xC0), "ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…|—↵", strict=True))
_SYMBOL |= dict(zip(range(0xC0, 0xD6), "ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏", strict=True))
_SYMBOL |= dict(zip(range(0xD6, 0xE0), "√⋅¬∧∨⇔⇐⇑⇒⇓", strict=True))
_SYMBOL |= dict(zip(range(0xE5, 0xFF), "∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪\ufffd⟩∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭", strict=True)) | {0xE0: "◊", 0xE1: "⟨"}


@cache
def glyph_text(name: str) -> str | None:
    """Return the text that a glyph of this name shows, or None where the name tells nothing.

    The rules are those of Adobe's glyph list specification (a dot begins a variant, underscores join parts), with
    the names of TeX's fonts, and a name that says size or style is that of the plain sign: "oneoldstyle" is 1.
    """
    from fontTools import agl

    stem = name.split(".")[0]
    if not stem:
        return None
    if stem in _TEX:
        return _TEX[stem]
    if coded := _CODED.match(stem):
        digits = coded[1] or coded[2]
        step = 4 if coded[1] else len(digits)
        codes = [int(digits[i : i + step], 16) for i in range(0, len(digits), step)]
        return "".join(map(chr, codes)) if all(not is_unknown(chr(code)) for code in codes if code < 0x110000) else None
    if (text := agl.toUnicode(stem)) and not any(map(is_unknown, text)):
        return text
    if "_" in stem:
        parts = [glyph_text(part) for part in stem.split("_")]
        return "".join(map(str, parts)) if all(parts) else None
    plain = _FORM.sub("", stem)
    if plain == stem or not plain:
        return None
    return glyph_text(plain) or (glyph_text(plain.lower()) if plain != plain.lower() else None)


def is_unknown(character: str) -> bool:
    """Whether a character has no meaning of its own: a control, a surrogate, private use, or no character at all."""
    code = ord(character)
    return code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xF900 or 0xFFF0 <= code < 0x10000 or code >= 0xF0000


@cache
def private_text(code: int) -> str | None:
    """Return the text of a private-use character, by Adobe's names for that area or as a code of the font Symbol."""
    from fontTools import agl

    for name, values in agl.LEGACY_AGL2UV.items():
        if values == [code] and (text := glyph_text(name)) is not None:
            return text
    return _SYMBOL.get(code - 0xF000)
