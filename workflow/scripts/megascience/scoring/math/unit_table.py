"""The units that answers are given in: names, sizes in SI base units, dimensions."""

import math
import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

#: (base dimension, exponent), sorted.
Dimensions = tuple[tuple[str, Fraction], ...]

#: A line a unit: symbols | words | size | dimensions. A "+" before the symbols or the words: they take prefixes.
#: Beside the seven SI dimensions stand those that SI counts as 1 and that must not be mixed up: angle and cycle
#: (a hertz is not a radian a second), decay, dose, bit, money by currency, equivalents and international units.
_TABLE = """
+ m | + meter metre | 1 | m
+ g gm gms | + gram gramme | 1e-3 | kg
+ s sec secs | + second | 1 | s
+ A amp amps | + ampere | 1 | A
+ K | + kelvin | 1 | K
+ mol mols | + mole | 1 | mol
+ cd | + candela | 1 | cd
+ rad rads | + radian | 1 | angle
+ sr | + steradian | 1 | angle^2
deg ° | degree | pi/180 | angle
arcmin | arcminute | pi/10800 | angle
arcsec | arcsecond | pi/648000 | angle
mas | milliarcsecond milliarcsec | pi/648000000 | angle
rev revs cyc | revolution turn cycle | 1 | cycle
rpm RPM | | 1/60 | cycle s^-1
+ Hz | + hertz | 1 | cycle s^-1
+ N | + newton | 1 | kg m s^-2
+ Pa | + pascal | 1 | kg m^-1 s^-2
+ J | + joule | 1 | kg m^2 s^-2
+ W VA | + watt | 1 | kg m^2 s^-3
+ C | + coulomb | 1 | A s
+ Ah | | 3600 | A s
faraday | | 96485.33212 | A s
e | | 1.602176634e-19 | A s
+ V | + volt | 1 | kg m^2 s^-3 A^-1
+ F | + farad | 1 | kg^-1 m^-2 s^4 A^2
+ S mho | + siemens | 1 | kg^-1 m^-2 s^3 A^2
+ ohm Ω | + ohm | 1 | kg m^2 s^-3 A^-2
+ Wb | + weber | 1 | kg m^2 s^-2 A^-1
+ T | + tesla | 1 | kg s^-2 A^-1
+ G | + gauss | 1e-4 | kg s^-2 A^-1
+ H | + henry | 1 | kg m^2 s^-2 A^-2
+ D | + debye | 3.33564e-30 | A s m
+ lm | + lumen | 1 | cd
+ lx | + lux | 1 | cd m^-2
+ Bq | + becquerel | 1 | decay s^-1
+ Ci | + curie | 3.7e10 | decay s^-1
+ Gy | + gray | 1 | absorbed m^2 s^-2
+ Sv | + sievert | 1 | dose m^2 s^-2
+ rem | | 1e-2 | m^2 s^-2 dose
+ R | + roentgen | 2.58e-4 | A s kg^-1
+ kat | + katal | 1 | mol s^-1
+ L l | + liter litre | 1e-3 | m^3
cc ccm | | 1e-6 | m^3
+ M | + molar | 1e3 | mol m^-3
+ Osm osmol | + osmole | 1 | osm
+ Eq eq EQ | + equivalent | 1 | equivalent
+ IU | | 1 | IU
+ eV | + electronvolt | 1.602176634e-19 | kg m^2 s^-2
+ cal | + calorie | 4.184 | kg m^2 s^-2
Cal | | 4184 | kg m^2 s^-2
erg ergs | | 1e-7 | kg m^2 s^-2
BTU Btu | | 1055.05585262 | kg m^2 s^-2
+ Wh | | 3600 | kg m^2 s^-2
Eh Ha | hartree | 4.3597447222071e-18 | kg m^2 s^-2
Ry | rydberg | 2.1798723611035e-18 | kg m^2 s^-2
hp | horsepower | 745.6998715822702 | kg m^2 s^-3
+ bar | + bar | 1e5 | kg m^-1 s^-2
atm | atmosphere | 101325 | kg m^-1 s^-2
+ torr Torr | | 133.32236842105263 | kg m^-1 s^-2
mmHg | | 133.322387415 | kg m^-1 s^-2
inHg | | 3386.38815789 | kg m^-1 s^-2
+ psi | | 6894.757293168361 | kg m^-1 s^-2
dyn | dyne | 1e-5 | kg m s^-2
lbf | | 4.4482216152605 | kg m s^-2
kgf kp | | 9.80665 | kg m s^-2
kip | | 4448.2216152605 | kg m s^-2
+ P | + poise | 0.1 | kg m^-1 s^-1
+ St | + stokes | 1e-4 | m^2 s^-1
+ Da u amu | + dalton | 1.66053906660e-27 | kg
lb lbs | pound | 0.45359237 | kg
oz | ounce | 0.028349523125 | kg
| ton | 907.18474 | kg
+ t | tonne | 1000 | kg
slug | | 14.593902937206364 | kg
| stone | 6.35029318 | kg
mcg | | 1e-9 | kg
Msun | | 1.98892e30 | kg
Mearth | | 5.9722e24 | kg
Mjupiter | | 1.8982e27 | kg
Rsun | | 6.957e8 | m
Rearth | | 6.371e6 | m
Lsun | | 3.828e26 | kg m^2 s^-3
in | inch | 0.0254 | m
ft feet | foot | 0.3048 | m
yd | yard | 0.9144 | m
mi | mile | 1609.344 | m
nmi | | 1852 | m
Å | angstrom | 1e-10 | m
µ | micron | 1e-6 | m
fermi | | 1e-15 | m
+ pc | + parsec | 3.0856775814913673e16 | m
ly | light-year lightyear | 9.4607304725808e15 | m
au AU | | 1.495978707e11 | m
a0 | bohr | 5.29177210903e-11 | m
min mins | minute | 60 | s
h hr hrs | hour | 3600 | s
d | day | 86400 | s
wk | week | 604800 | s
+ yr y | year | 31557600 | s
| month | 2629800 | s
| decade | 315576000 | s
| century | 3155760000 | s
acre | | 4046.8564224 | m^2
ha | hectare | 1e4 | m^2
+ barn | | 1e-28 | m^2
gal | gallon | 3.785411784e-3 | m^3
pt | pint | 4.73176473e-4 | m^3
qt | quart | 9.46352946e-4 | m^3
mph | | 0.44704 | m s^-1
kph kmh kmph | | 1/3.6 | m s^-1
kn | knot | 1852/3600 | m s^-1
mps | | 1 | m s^-1
c | | 299792458 | m s^-1
+ bit b bp | + bit | 1 | bit
+ B | + byte | 8 | bit
+ bps | | 1 | bit s^-1
dB | decibel | 1 | dB
dBm | | 1 | dBm
ppm | | 1e-6 |
ppb | | 1e-9 |
dozen | | 12 |
usd USD | dollar | 1 | usd
cent cents | | 1e-2 | usd
eur EUR | euro | 1 | eur
gbp GBP | | 1 | gbp
jpy JPY | yen | 1 | jpy
inr INR | rupee | 1 | inr
"""

_SYMBOL_PREFIXES = {"Q": 30, "R": 27, "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2,
                    "da": 1, "d": -1, "c": -2, "m": -3, "u": -6, "µ": -6, "μ": -6, "n": -9, "p": -12, "f": -15,
                    "a": -18, "z": -21, "y": -24}  # fmt: skip
_WORD_PREFIXES = {"exa": 18, "peta": 15, "tera": 12, "giga": 9, "mega": 6, "kilo": 3, "hecto": 2, "deca": 1, "deka": 1,
                  "deci": -1, "centi": -2, "milli": -3, "micro": -6, "nano": -9, "pico": -12, "femto": -15,
                  "atto": -18}  # fmt: skip
_PLURALS = {"centuries": "century", "henries": "henry", "inches": "inch", "feet": "foot"}


def _size(text: str) -> float:
    top, _, bottom = text.partition("/")
    return (math.pi if top == "pi" else float(top)) / (float(bottom) if bottom else 1)


def _rows() -> Iterator[tuple[str, str, float, Dimensions]]:
    for line in _TABLE.strip().split("\n"):
        symbols, words, size, names = (part.strip() for part in line.split("|"))
        powers = (name.partition("^") for name in names.split())
        yield symbols, words, _size(size), tuple(sorted((name, Fraction(power or 1)) for name, _, power in powers))


@lru_cache(maxsize=1)
def _known() -> tuple[dict[str, tuple[float, Dimensions]], ...]:
    """Return the symbols, the symbols that take prefixes, the words, and the words that take prefixes."""
    found: tuple[dict[str, tuple[float, Dimensions]], ...] = ({}, {}, {}, {})
    for symbols, words, size, dimensions in _rows():
        for names, place in ((symbols, 0), (words, 2)):
            for name in names.removeprefix("+").split():
                found[place][name] = size, dimensions
                if names.startswith("+"):
                    found[place + 1][name] = size, dimensions
    return found


_PREFIXED_WORD = re.compile("(" + "|".join(_WORD_PREFIXES) + ")[-_]?(.+)")


def named(name: str) -> tuple[float, Dimensions] | None:
    """Return (size in SI base units, dimensions) of one unit's symbol or word, or None where there is no such unit."""
    symbols, prefixed, words, prefixed_words = _known()
    if name in symbols:
        return symbols[name]
    for length in (1, 2):
        power = _SYMBOL_PREFIXES.get(name[:length])
        if power is not None and name[length:] in prefixed:
            size, dimensions = prefixed[name[length:]]
            return size * 10.0**power, dimensions
    lower = name.lower()
    lower = _PLURALS.get(lower, lower)
    for word in (lower, lower.removesuffix("s"), lower.removesuffix("es")) if len(lower) > 2 else ():
        if word in words:
            return words[word]
        match = _PREFIXED_WORD.fullmatch(word)
        if match and match[2] in prefixed_words:
            size, dimensions = prefixed_words[match[2]]
            return size * 10.0 ** _WORD_PREFIXES[match[1]], dimensions
    return None
