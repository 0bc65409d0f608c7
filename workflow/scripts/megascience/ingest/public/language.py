"""Language: is a text English? A documented rule of scripts and function words, without a model.

A text is taken for another language only on evidence, since a question may be little more than a formula:

- more than `FOREIGN_SHARE` of its letters belong to a script that English does not use. Single Greek letters
  are symbols; Greek words of four letters or more count;
- or its first words hold at least two different function words of other languages in Latin script, more of
  them than English ones, and at least one in `FUNCTION_SHARE` words.

The lists leave out what is also an English word, a unit, or a particle of names (van der Waals, de Broglie).
"""

import re
from collections import Counter

#: Characters that are looked at: a text's language shows in its first lines, and rows may be long.
LOOKED_AT = 1500
#: Above this share of letters a foreign script is the text's own, not a quoted word.
FOREIGN_SHARE = 0.2
#: At least this share of the words must be foreign function words; running prose has about 0.3.
FUNCTION_SHARE = 0.1

_SCRIPTS = {
    "Cyrillic": "\u0400-\u052f",
    "Hebrew": "\u0590-\u05ff",
    "Arabic": "\u0600-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff",
    "Indic": "\u0900-\u0dff",
    "Thai": "\u0e00-\u0eff",
    "Georgian or Armenian": "\u0530-\u058f\u10a0-\u10ff",
    "Korean": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
    "Japanese": "\u3040-\u30ff\uff66-\uff9f",
    "Chinese": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff",
}
_SCRIPT = {name: re.compile(f"[{ranges}]") for name, ranges in _SCRIPTS.items()}
_SCRIPT["Greek"] = re.compile("[\u0370-\u03ff\u1f00-\u1fff](?=[\u0370-\u03ff\u1f00-\u1fff]{3})")
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]{2,}")

_ENGLISH = frozenset(
    "the of and to that this these those for with what which who why how when where are was were be been by from "
    "it its if then than or on an not can could would should will have has had does do did let find show prove given "
    "calculate determine explain describe each all any between into their there your you we they is in as at".split()
)
_FUNCTION_WORDS = {
    "Spanish": "los las una unos que por para con como más entre cuál cuáles qué está están sus cuando donde es muy "
    "también según sobre desde hasta",
    "French": "les une dans est que qui avec sur sont cette quelle quel comment aux ses leur nous vous être sans plus "
    "ces deux calculer donc où",
    "German": "und ist das nicht ein eine einen einer eines wie sich auf für dass wird bei zwischen welche welcher "
    "sind aus nach wenn durch werden kann",
    "Portuguese": "uma para com não dos das por mais como entre qual são em ao os sobre quando onde pela pelo",
    "Italian": "il gli che non una sono con come nel nella dei delle quale più tra questo questa quando dove",
    "Dutch": "het een niet zijn wordt voor aan deze welke bij ook naar tussen worden wanneer",
    "Polish": "jest nie się oraz jak dla który która przez są między",
    "Swedish": "och att det som för inte är ett på av mellan",
    "Danish or Norwegian": "og ikke til det som et på mellom mellem hvad hva",
    "Turkish": "ve bir bu için ile olan nedir arasındaki",
    "Indonesian": "yang dan dari dengan untuk adalah pada ini itu dalam apa",
    "Vietnamese": "của là và các một trong được cho những",
    "Romanian": "și este care pentru cu din sunt",
    "Czech": "je se na jsou které pro jako",
    "Hungarian": "és egy hogy nem az mely",
    "Finnish": "ja ei se että ovat mikä",
}
_FOREIGN: dict[str, list[str]] = {}
for _name, _words in _FUNCTION_WORDS.items():
    for _word in _words.split():
        _FOREIGN.setdefault(_word, []).append(_name)


def foreign_language(text: str) -> str | None:
    """Return the name of the language or script that a text is written in, or None where it may be English."""
    text = text[:LOOKED_AT]
    if not text.isascii():
        counts = {name: len(pattern.findall(text)) for name, pattern in _SCRIPT.items()}
        if (most := sum(counts.values())) and most > FOREIGN_SHARE * len(_LETTER.findall(text)):
            return max(counts, key=lambda name: counts[name])
    words = [word.lower() for word in _WORD.findall(text)]
    foreign = [word for word in words if word in _FOREIGN]
    if len(set(foreign)) < 2 or len(foreign) < FUNCTION_SHARE * len(words):
        return None
    if len(foreign) <= sum(word in _ENGLISH for word in words):
        return None
    votes = Counter(name for word in foreign for name in _FOREIGN[word])
    return min(votes, key=lambda name: (-votes[name], name))
