"""Units of measurement: LaTeX and plain spellings into a factor and dimensions, by pint's table of units.

Pint only ever sees single names (letters), never an expression, so a unit cannot carry code or a tower of powers.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

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
    dimensions: tuple[tuple[str, Fraction], ...]


NONE = Unit(1.0, 0.0, ())

#: Spellings that pint lacks or reads otherwise, as names that it knows.
_ALIASES = {
    "dollar": "dollar", "dollars": "dollar", "USD": "dollar", "cent": "cent", "cents": "cent",
    "degrees": "degree", "deg": "degree", "°": "degree", "Å": "angstrom", "A°": "angstrom", "Angstrom": "angstrom",
    "Angstroms": "angstrom", "angstroms": "angstrom", "ohms": "ohm", "Ohm": "ohm", "Ohms": "ohm",
    "µ": "micron", "μ": "micron", "mu": "micron", "sec": "second", "secs": "second", "hr": "hour", "hrs": "hour",
    "mins": "minute", "yr": "year", "yrs": "year", "y": "year", "Year": "year", "Years": "year", "lbs": "pound",
    "Kg": "kg", "lb": "pound", "KJ": "kJ", "Kj": "kJ", "KPa": "kPa", "kPA": "kPa", "kpa": "kPa", "KPA": "kPa",
    "kj": "kJ", "KG": "kg", "kgs": "kg", "Km": "km", "KM": "km", "kms": "km", "Kcal": "kcal", "KHz": "kHz",
    "khz": "kHz", "hz": "Hz", "mhz": "MHz", "KV": "kV", "KW": "kW", "kw": "kW", "ev": "eV", "EV": "eV", "Mev": "MeV",
    "Gev": "GeV", "ATM": "atm", "Atm": "atm", "torr": "torr", "Torr": "torr", "mmHg": "mmHg", "mbar": "millibar",
    "cc": "cm3", "M": "molar", "mM": "millimolar", "uM": "micromolar", "µM": "micromolar", "moles": "mole",
    "mols": "mole", "Mol": "mole", "amu": "dalton", "u": "dalton", "Da": "dalton", "kDa": "kilodalton",
    "ly": "light_year", "AU": "astronomical_unit", "au": "astronomical_unit", "pc": "parsec", "G": "gauss",
    "D": "debye", "e": "elementary_charge",
    "rev": "revolution", "revs": "revolution", "rpm": "rpm", "mph": "mph", "kph": "kph", "kmh": "kph", "l": "liter",
    "ml": "milliliter", "mL": "milliliter", "gm": "gram", "gms": "gram", "cal": "calorie", "Cal": "kilocalorie",
    "Calories": "kilocalorie", "a0": "bohr", "Eh": "hartree", "Hartree": "hartree", "hartrees": "hartree",
    "in": "inch", "inches": "inch", "ft": "foot", "feet": "foot", "yd": "yard", "mi": "mile", "psi": "psi",
    "sq": "", "square": "", "cubic": "", "Newton": "newton", "Newtons": "newton", "Joule": "joule", "Joules": "joule",
    "Kelvin": "kelvin", "Kelvins": "kelvin", "Pascal": "pascal", "Pascals": "pascal", "Watt": "watt",
    "Watts": "watt", "Volt": "volt", "Volts": "volt", "Ampere": "ampere", "Amperes": "ampere", "amps": "ampere",
    "amp": "ampere", "Amps": "ampere", "Tesla": "tesla", "Coulomb": "coulomb", "Coulombs": "coulomb",
    "Hertz": "hertz", "Meters": "meter", "Seconds": "second", "Hours": "hour", "Days": "day", "months": "month",
    "slugs": "slug", "rads": "radian", "mps": "meter_per_second", "bps": "bit_per_second",
}  # fmt: skip
#: The unit symbols that may carry an SI prefix, and those that may not.
_SYMBOLS = ("m|g|s|A|K|mol|cd|Hz|N|Pa|J|W|C|V|F|S|Wb|T|H|lm|lx|Bq|Gy|Sv|L|l|eV|bar|cal|Ci|M|Da|pc|bit|B|rad|sr|Wh|"
            "gauss|torr|P|St|b|yr|kat|ohm|t|W|R|atm|gal|D|hr")  # fmt: skip
_BARE = ("min|h|hr|d|day|in|ft|yd|mi|lb|lbs|lbf|oz|ton|tonne|psi|mph|rpm|atm|dyn|dyne|erg|gal|pt|qt|acre|ha|deg|bohr|"
         "slug|amu|u|ly|au|AU|mmHg|mpg|knot|kn|cc|e|count|cycle|G|Eh|a0|hp|BTU|Btu|debye|D|bps|mps|in|inHg|fermi|kip|"
         "kph|kmh|°|Å|deg|sec|mole|bit|byte|dB")  # fmt: skip
_LONG = ("meter|metre|gram|gramme|second|ampere|kelvin|mole|candela|hertz|newton|pascal|joule|watt|coulomb|volt|farad|"
         "ohm|siemens|weber|tesla|henry|lumen|lux|becquerel|gray|sievert|liter|litre|electron_?volt|electronvolt|bar|calorie|curie|"
         "dalton|parsec|bit|byte|radian|steradian|molar|tonne|minute|hour|day|week|month|year|decade|century|inch|foot|"
         "feet|yard|mile|pound|ounce|ton|gallon|pint|quart|acre|hectare|degree|angstrom|atmosphere|dyne|erg|debye|"
         "gauss|slug|knot|horsepower|revolution|micron|centimeter|astronomical_unit|light_year|poise|stokes|rydberg|"
         "hartree|bohr|percent|dozen|cycle|arcsecond|arcminute|torr|faraday|katal|decibel|centuries")  # fmt: skip
_PREFIXES = (
    "quecto|ronto|yocto|zepto|atto|femto|pico|nano|micro|milli|centi|deci|deca|deka|hecto|kilo|mega|giga|tera|peta|exa"
)
_UNIT_NAME = re.compile(
    rf"(?:(?:da|[yzafpnµμumcdhkMGTPEZY])?(?:{_SYMBOLS})|{_BARE}|(?:{_PREFIXES})?(?:{_LONG})(?:s|es)?)"
)
#: Units that pint lacks or counts in another system (it keeps the gauss apart from the tesla).
_OWN = {
    "dollar": (1.0, (("[currency]", Fraction(1)),)),
    "cent": (0.01, (("[currency]", Fraction(1)),)),
    "cm3": (1e-6, (("[length]", Fraction(3)),)),
    "gauss": (1e-4, (("[current]", Fraction(-1)), ("[mass]", Fraction(1)), ("[time]", Fraction(-2)))),
}
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


@lru_cache(maxsize=1)
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(cache_folder=None)


@lru_cache(maxsize=4096)
def _named(name: str) -> tuple[float, tuple[tuple[str, Fraction], ...]] | None:
    """Return (factor, dimensions) of one unit name, or None where there is no such unit."""
    if name in _ALIASES:
        name = _ALIASES[name]
    elif not _UNIT_NAME.fullmatch(name) and not _UNIT_NAME.fullmatch(name.lower() if len(name) > 3 else name):
        return None
    if name == "":
        return 1.0, ()
    if name in _OWN:
        return _OWN[name]
    if not re.fullmatch(r"[A-Za-zµμ_]{1,30}", name):
        return None
    registry = _registry()
    for spelling in (name, name.lower() if len(name) > 3 else name, name.rstrip("s") if len(name) > 3 else name):
        try:
            base = registry.Quantity(1, registry.Unit(spelling)).to_base_units()
        except Exception:  # pint raises many kinds for an unknown or offset unit
            continue
        dimensions = tuple(sorted((k, Fraction(v).limit_denominator(12)) for k, v in base.dimensionality.items()))
        return float(base.magnitude), dimensions
    return None


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
    """Return the unit that a text begins with, `NONE` for none or "unitless"; None where words are no unit.

    Powers of ten in a unit (SciBench's `10^6 m`) go into its factor. Prose after a unit is left alone.
    """
    text = _spelling(_ELSEWHERE.split(text, maxsplit=1)[0])
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
            return Unit(1.0, 273.15, (("[temperature]", Fraction(1)),))
        return Unit(5 / 9, 459.67 * 5 / 9, (("[temperature]", Fraction(1)),))
    return _Reader(text).read()


def _with_offset(name: str) -> tuple[float, float, tuple[tuple[str, Fraction], ...]]:
    found = _named(name)
    assert found is not None
    return found[0], 0.0, found[1]


def _spelling(text: str) -> str:
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
    """Reads `kg m^2/s^2`, `J/(mol·K)`, `m s-1`; stops at the first word that is no unit."""

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
        """Return whether a word after a unit is no unit: "490 N at an angle"; "5 lb in" is one."""
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
