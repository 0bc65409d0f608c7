"""Units of measurement: LaTeX and plain spellings into a factor and dimensions."""

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from megascience.scoring.math.unit_table import Dimensions, named
from megascience.scoring.text.markup import strip_spacing, strip_styles, unify


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as its size in SI base units.

    Attributes:
        factor: SI base units in one of it.
        offset: what is added after the factor for an absolute temperature (273.15 for °C), else 0.
        dimensions: sorted (base dimension, exponent) pairs; empty for a dimensionless unit.
    """

    factor: float
    offset: float
    dimensions: Dimensions


NONE = Unit(1.0, 0.0, ())

#: Dimensions that may be left unsaid: 5 rad/s is 5/s, 3 Bq is 3/s. Two different ones are never the same.
_UNSAID = frozenset({"angle", "cycle", "decay", "dose", "absorbed"})


def comparable(a: Unit, b: Unit) -> Fraction | None:
    """Return by what a value in `a` is multiplied besides the units' factors to be one in `b`, None for no way.

    A cycle is 2π of an angle; of an angle, a cycle, a decay and a dose at most one may stand on one side alone.
    """
    left, right = dict(a.dimensions), dict(b.dimensions)
    marks = [{k: v for k, v in side.items() if k in _UNSAID} for side in (left, right)]
    rest = [{k: v for k, v in side.items() if k not in _UNSAID} for side in (left, right)]
    if rest[0] != rest[1]:
        return None
    if marks[0] == marks[1] or not marks[0] or not marks[1]:
        return Fraction(1)
    if set(marks[0]) | set(marks[1]) == {"angle", "cycle"} and len(marks[0]) == len(marks[1]) == 1:
        (one, power), (_, other) = next(iter(marks[0].items())), next(iter(marks[1].items()))
        if power == other and abs(power) == 1:
            turn = Fraction(2 * math.pi)
            return turn if (one == "cycle") == (power > 0) else 1 / turn
    return None


#: Symbols in the wrong case, as people type them.
_ALIASES = {
    "Kg": "kg", "KG": "kg", "kgs": "kg", "KJ": "kJ", "Kj": "kJ", "kj": "kJ", "KPa": "kPa", "kPA": "kPa", "kpa": "kPa",
    "KPA": "kPa", "Km": "km", "KM": "km", "kms": "km", "Kcal": "kcal", "KHz": "kHz", "khz": "kHz", "hz": "Hz",
    "HZ": "Hz", "mhz": "MHz", "ghz": "GHz", "KV": "kV", "kv": "kV", "KW": "kW", "kw": "kW", "ev": "eV", "EV": "eV",
    "Mev": "MeV", "Gev": "GeV", "ATM": "atm", "Atm": "atm", "Mol": "mol", "uL": "µL", "uM": "µM", "Ohm": "ohm",
    "Ohms": "ohm", "A°": "Å", "yrs": "yr", "mu": "µ", "ml": "mL", "Calories": "Cal", "kbp": "kb", "Mbp": "Mb",
    "Gbp": "Gb", "meq": "mEq", "btu": "BTU", "amps": "A", "sq": "", "square": "", "cubic": "",
}  # fmt: skip
#: Units of several words or with signs, in one word.
_PHRASES = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (r"\blight[- ]years?\b", "ly"), (r"\bastronomical units?\b", "AU"), (r"\belectron[- ]?volts?\b", "eV"),
        (r"\bparts per million\b", "ppm"), (r"\bparts per billion\b", "ppb"), (r"\bbase[- ]?pairs?\b", "bp"),
        (r"\bkilobases?\b", "kb"), (r"\bnautical miles?\b", "nmi"), (r"\b(?:unified )?atomic mass units?\b", "u"),
        (r"\barc[- ]?seconds?\b", "arcsec"), (r"\barc[- ]?minutes?\b", "arcmin"), (r"\bmm\s+Hg\b", "mmHg"),
        (r"\bin\s*Hg\b", "inHg"), (r"\bkilograms?[- ]force\b", "kgf"), (r"\bpounds?[- ]force\b", "lbf"),
        (r"\bmetric tons?\b", "t"), (r"\binternational units?\b", "IU"), (r"\bus\s+dollars?\b|US\$", "USD"),
        (r"\bmicrograms?\b", "mcg"), (r"\bmilliarc[- ]?seconds?\b", "mas"),
        (r"\bmilli-?equivalents?\b", "mEq"), (r"\brevolutions? per minute\b", "rpm"),
        (r"\b(?:elementary|electron) charges?\b", "e"), (r"\bbohr radi(?:us|i)\b", "a0"),
        (r"\bsolar mass(?:es)?\b|\bM_\{?\s*(?:\\odot|⊙|☉|sun|\\text\{sun\})\s*\}?", "Msun"),
        (r"\bsolar radi(?:us|i)\b|\bR_\{?\s*(?:\\odot|⊙|☉|sun|\\text\{sun\})\s*\}?", "Rsun"),
        (r"\bsolar luminosit(?:y|ies)\b|\bL_\{?\s*(?:\\odot|⊙|☉|sun|\\text\{sun\})\s*\}?", "Lsun"),
        (r"\bearth mass(?:es)?\b|\bM_\{?\s*(?:\\oplus|⊕|earth)\s*\}?", "Mearth"),
        (r"\bearth radi(?:us|i)\b|\bR_\{?\s*(?:\\oplus|⊕|earth)\s*\}?", "Rearth"),
        (r"€|\beuros?\b", "EUR"), (r"£", "GBP"), (r"¥", "JPY"), (r"₹", "INR"), (r"^\s*\\?\$\s*$", "USD"),
    )
)  # fmt: skip
_UNITLESS = re.compile(
    r"^(?:unit-?less|dimension-?less|no units?|none|n/?a|1|-+|\(?no unit\)?|pure number|arb\. units|)$", re.IGNORECASE
)
_TEMPERATURE = re.compile(
    r"^(?:(?:°|\^?\{?\\?circ\}?|deg(?:rees?)?)?\s*(?P<c>C|Celsius|celsius|centigrade)"
    r"|(?:°|\^?\{?\\?circ\}?|deg(?:rees?)?)\s*(?P<f>F)|(?:°|deg(?:rees?)?)?\s*(?P<f2>Fahrenheit|fahrenheit))$"
)
#: Where the same quantity is given once more: 490 N = 0.49 kN.
_ELSEWHERE = re.compile(r"(?<=\S)\s*(?:=|≈|\\approx|\\simeq|\\sim)")
#: Prepositions that would be read as units.
_PREPOSITIONS = frozenset({"at", "as", "am", "in"})
_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-zµμÅΩ°]+\d?(?![A-Za-z]))|(?P<num>\d+(?:\.\d+)?)|(?P<op>[*/^()·.-])|(?P<pct>%))"
)


@lru_cache(maxsize=4096)
def _named(name: str) -> tuple[float, Dimensions] | None:
    """Return (factor, dimensions) of one unit name, or None where there is no such unit."""
    name = _ALIASES.get(name, name)
    return (1.0, ()) if name == "" else named(name)


def _glued(name: str) -> list[str] | None:
    """Return the units of a run without spaces (`Jmol`, `JK`), or None."""
    if _named(name) is not None:
        return [name]
    for cut in range(1, len(name)):
        head, tail = name[:cut], name[cut:]
        if head in ("J", "kJ", "K", "N", "W", "C", "g", "kg", "L", "dm", "m", "cm", "A", "V", "Pa", "mol", "cal",
                    "kcal", "F", "T", "kN", "kW", "MW", "mg", "lb", "ft") and tail in (  # fmt: skip
                        "K", "mol", "m", "s", "kg", "g", "h", "T", "atm", "bar", "cm", "L", "hr", "A"):  # fmt: skip
            return [head, tail]
    return None


@lru_cache(maxsize=8192)
def read_unit(text: str) -> Unit | None:
    """Return the unit that a text begins with, `NONE` for none or "unitless"; None where words are not a unit.

    Powers of ten in a unit (SciBench's `10^6 m`) go into its factor. Prose after a unit is left alone.
    """
    text = _spelling(_ELSEWHERE.split(text[:400], maxsplit=1)[0])
    if _UNITLESS.match(text):
        return NONE
    if len(text) > 200:
        text = text[:200]
    match = _TEMPERATURE.match(text)
    if match:
        if match["c"]:
            plain_c = text == "C"
            if plain_c:  # coulomb
                return Unit(*_with_offset("C"))
            return Unit(1.0, 273.15, (("K", Fraction(1)),))
        return Unit(5 / 9, 459.67 * 5 / 9, (("K", Fraction(1)),))
    return _Reader(text).read()


def _with_offset(name: str) -> tuple[float, float, Dimensions]:
    found = _named(name)
    assert found is not None
    return found[0], 0.0, found[1]


def _spelling(text: str) -> str:
    for pattern, name in _PHRASES:
        text = pattern.sub(name, text)
    text = re.sub(r"\\(?:mu|micro)(?![a-zA-Z])\s*", "µ", re.sub(r"\\(?:Omega|ohm)(?![a-zA-Z])|Ω", "ohm", unify(text)))
    text = strip_spacing(strip_styles(text.replace("\u212b", "Å")))
    text = re.sub(r"\\(?:AA|angstrom|r\{A\}|mathring\{A\})(?![a-zA-Z])", "Å", text)
    text = re.sub(r"\bms\s*\^\s*\{?\s*-\s*([12])\s*\}?", r"m s^{-\1}", text)  # m/s is meant, not 1/ms
    text = re.sub(r"\{µ\}\s*|µ\s+(?=[A-Za-z])", "µ", text)
    text = re.sub(r"\{\s*\}\s*|\\(?:hat|vec|mathbf|widehat)\s*(?:\{[^{}]*\}|[a-z])", "", text)
    text = re.sub(r"\^?\s*\{?\s*\\(?:circ|degree)\s*\}?\s*|°\s+(?=[CFK]\b)", "°", text)
    text = re.sub(r"(?<=[a-zA-Z])°(?=[CFK]\b)", " °", text)
    text = re.sub(r"\\(?:cdot|times|ast)(?![a-zA-Z])", "*", text)
    text = re.sub(r"\\(?:frac|dfrac|tfrac)\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"(\1)/(\2)", text)
    text = text.replace("\\%", "%").replace("\\$", "").replace("**", "^").replace("$", "").replace("\\", " ")
    text = re.sub(r"\^\s*\{\s*([-+]?\s*\d+(?:\s*/\s*\d+)?)\s*\}", lambda m: "^(" + m[1].replace(" ", "") + ")", text)
    return text.replace("{", " ").replace("}", " ").replace("[", " ").replace("]", " ").strip(" .,;:")


class _Reader:
    """Reads `kg m^2/s^2`, `J/(mol·K)`, `m s-1`; stops at the first word that is not a unit."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def read(self) -> Unit | None:
        factor, dimensions, used = self.product(0)
        rest = self.text[self.at :].strip()
        if not used:
            return None
        if rest and not re.match(r"[\s,;:.()\-–]|[a-zA-Z]", rest):
            return Unit(factor, 0.0, (("[unreadable]", Fraction(1)),))  # m^{99999999}: a unit, but of no dimension
        return Unit(factor, 0.0, tuple(sorted((k, v) for k, v in dimensions.items() if v)))

    def token(self) -> tuple[str, str, int]:
        match = _TOKEN.match(self.text, self.at)
        if match is None:
            return "end", "", self.at
        return match.lastgroup or "", match[match.lastgroup or 0], match.end()

    def product(self, depth: int) -> tuple[float, dict[str, Fraction], bool]:
        factor, used, sign = 1.0, False, 1
        dimensions: dict[str, Fraction] = {}
        power_next = 1
        while True:
            kind, value, end = self.token()
            item: tuple[float, dict[str, Fraction]] | None = None
            if kind == "op" and value in "*·.":
                self.at = end
                continue
            if kind == "op" and value == "-" and used:
                self.at = end
                continue
            if kind == "op" and value == "/" or (kind == "name" and value in ("per", "p")):
                self.at = end
                sign = -1
                continue
            if kind == "op" and value == "(" and depth < 3:
                before = self.at
                self.at = end
                inner = self.product(depth + 1)
                kind, value, end = self.token()
                if not inner[2] or value != ")":
                    self.at = before
                    break
                self.at = end
                item = (inner[0], inner[1])
            elif kind == "name" and value in ("square", "sq", "cubic"):
                power_next = 3 if value == "cubic" else 2
                self.at = end
                continue
            elif kind == "name" and value == "c" and used and sign == 1:
                break  # the speed of light stands below a slash (MeV/c²), or alone
            elif kind == "name" and (value in ("squared", "cubed") or (used and self.preposition(value, end))):
                break
            elif kind == "name":
                trailing = re.fullmatch(r"([A-Za-zµμÅΩ°]+)([23])", value)
                names = _glued(trailing[1] if trailing else value)
                if value[:1] in "°" and len(value) > 1:
                    names, trailing = (["kelvin"] if value[1:] in ("C", "K", "F") else None), None
                if names is None:
                    break
                self.at = end - (len(trailing[2]) if trailing else 0)
                found = [_named(name) for name in names]
                for position, one in enumerate(found):
                    assert one is not None
                    last = position == len(found) - 1
                    part = (one[0], dict(one[1]))
                    if not last:
                        factor, dimensions = _times(factor, dimensions, part, Fraction(sign))
                    else:
                        item = part
            elif kind == "num" and value in ("10", "1") and not (used and sign == 1 and value == "1"):
                self.at = end
                item = (float(value), {})
            elif kind == "pct":
                self.at = end
                item = (0.01, {})
            else:
                break
            assert item is not None
            exponent = self.exponent() * power_next
            power_next = 1
            try:
                factor, dimensions = _times(factor, dimensions, item, exponent * sign)
            except OverflowError:
                return 1.0, {}, False
            used = True  # all that follows a slash stands below it: J/mol·K is meant as J/(mol·K)
        return factor, dimensions, used

    def preposition(self, word: str, end: int) -> bool:
        """Return whether a word after a unit is not a unit: "490 N at an angle"; "5 lb in" is one."""
        return word in _PREPOSITIONS and (word != "in" or re.match(r"\s+[a-zA-Z]", self.text[end:]) is not None)

    def exponent(self) -> Fraction:
        match = re.compile(r"\s*\^?\s*\(\s*([-+]?\d{1,3})(?:/(\d{1,2}))?\s*\)|\s*\^\s*([-+]?\d{1,3})|"
                           r"(-\d)(?!\d)|([23])(?!\d)|\s+(squared|cubed)\b").match(self.text, self.at)  # fmt: skip
        if match is None:
            return Fraction(1)
        if match[1] and "^" not in match[0]:
            return Fraction(1)
        self.at = match.end()
        if match[6]:
            return Fraction(2 if match[6] == "squared" else 3)
        if match[1]:
            return Fraction(int(match[1]), int(match[2] or 1) or 1)
        return Fraction(int(match[3] or match[4] or match[5]))


def _times(
    factor: float, dimensions: dict[str, Fraction], item: tuple[float, dict[str, Fraction]], power: Fraction
) -> tuple[float, dict[str, Fraction]]:
    merged = dict(dimensions)
    for name, value in item[1].items():
        merged[name] = merged.get(name, Fraction(0)) + value * power
    return factor * item[0] ** float(power), merged
