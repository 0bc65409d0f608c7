"""Recall and precision of the quality gate on a labelled set of pages, good and bad, that this script makes.

    python benchmarks/page_quality.py BOOKS_FOLDER [MORE.pdf ...]

Good pages: those of the example shelf (typeset into BOOKS_FOLDER) and of further PDFs, tables of numbers, pages of
formulas, short pages, lists, indexes, code, pages in other languages. Bad pages: good ones, spoilt as PDFs and models
spoil them: bytes in a wrong encoding, a shuffled font, letters set apart, private-use and replacement characters,
loops of a model. `-v` prints each page that is judged wrong.
"""

import random
import string
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from megascience.ingest.pdf.quality import Limits, page_fault
from megascience.ingest.pdf.text_layer.read import read_book

FOREIGN = [
    "Die Welle trägt Energie, ohne dass Stoff bewegt wird, und ihre Geschwindigkeit ist das Produkt aus Wellenlänge "
    "und Frequenz. Wenn zwei Wellen sich treffen, werden ihre Auslenkungen addiert, was für alle Wellen gilt. ",
    "Une onde transporte de l'énergie sans que la matière se déplace, et sa vitesse est le produit de la longueur "
    "d'onde et de la fréquence. Quand deux ondes se croisent, leurs élongations s'ajoutent dans tous les cas. ",
    "Волна переносит энергию без переноса вещества, и её скорость равна произведению длины волны на частоту. ",
    "Una onda transporta energía sin mover la materia, y su velocidad es el producto de la longitud de onda por la "
    "frecuencia. Cuando dos ondas se encuentran, sus desplazamientos se suman como para todas las ondas. ",
]

SYMBOLS = "v E m c x y F a t q B p λ ω θ".split()
ENTRIES = ["energy", "beta decay", "fermion", "31", "77", "112", "Boltzmann", "heat", "quark", "kinetic"]
SHORT = ["Part II", "Chapter 3\n\nWaves", "This page is intentionally left blank.", "A.B.C."]


def good_pages(folder: str, more: list[str]) -> list[tuple[str, str]]:
    """Return (kind, text) of good pages."""
    rng = random.Random(7)
    pages = [("page of a book", p["text"]) for f in sorted(Path(folder).glob("*.pdf")) for p in read_book(f)]
    pages += [("page of a manual", p["text"]) for f in more for p in read_book(f)]
    for _ in range(12):
        pages += [
            ("table of numbers", lines("| {:.3f} | {:.3f} | {:.3f} | {:.3f} |", 30, lambda: rng.uniform(0, 9))),
            ("formulas", lines("{}_1 = {}²({} − {})/2", 25, lambda: rng.choice(SYMBOLS))),
            ("spaced formulas", lines("{} = {} + {} · {} , (7)", 20, lambda: rng.choice(SYMBOLS))),
            ("code", lines("    if {0} > n: x[{1}] = f({2}, {3})", rng.randint(8, 25), lambda: rng.choice(SYMBOLS))),
            ("index", lines("{}, {}, {}, {}", 40, lambda: rng.choice(ENTRIES))),
            ("short page", rng.choice(SHORT)),
            ("sequence", lines("{}" * 60, 12, lambda: rng.choice("ACGT"), 60)),
            ("other language", rng.choice(FOREIGN) + f"({rng.randint(1, 99)})"),
            ("answers", lines("{}. A {}. B {}. C {}. D", 20, lambda: rng.randint(1, 99))),
        ]
    return [(kind, text) for kind, text in pages if text.strip()]


def lines(form: str, count: int, value: Callable[[], object], values: int = 4) -> str:
    """Return lines of one form with fresh values."""
    return "\n".join(form.format(*(value() for _ in range(values))) for _ in range(count))


def bad_pages(good: list[str]) -> list[tuple[str, str]]:
    """Return (kind, text) of pages that are garbage, made of good prose."""
    rng = random.Random(11)
    prose = [text for text in good if sum(c.isalpha() for c in text) > 600]
    pages = []
    letters = string.ascii_lowercase
    for text in rng.sample(prose, min(24, len(prose))):
        table = list(letters)
        rng.shuffle(table)
        shuffled = str.maketrans(letters + letters.upper(), "".join(table) + "".join(table).upper())
        pages.append(("shuffled font", text.translate(shuffled)))
        half = len(text) // 2
        pages.append(("half shuffled", text[:half] + text[half:].translate(shuffled)))
        pages.append(("half apart", text[:half] + " " + " ".join(text[half:].replace(" ", ""))))
        step = rng.choice([1, 3, 29])
        pages.append(("shifted codes", "".join(chr(ord(c) + step) if c.isalnum() else c for c in text)))
        pages.append(("letters apart", " ".join(text.replace(" ", "")[:1500])))
        pages.append(
            ("private use", "".join(chr(0xE000 + ord(c)) if c.isalpha() and rng.random() < 0.8 else c for c in text))
        )
        pages.append(("replacement", "".join("\ufffd" if c.isalnum() and rng.random() < 0.3 else c for c in text)))
        pages.append(("loop", text[:80] + " the answer is therefore that the wave is a wave and" * 60))
        pages.append(("repeated lines", "\n".join([text[:60].replace("\n", " ")] * 25)))
        pages.append(
            (
                "noise of a scan",
                "".join(
                    rng.choice("|lIi1!.,'`-_:;~^ \n") if rng.random() < 0.5 else rng.choice(letters) for _ in range(900)
                ),
            )
        )
        pages.append(
            (
                "random words",
                " ".join("".join(rng.choice(letters) for _ in range(rng.randint(3, 9))) for _ in range(150)),
            )
        )
    for text in FOREIGN:
        for i in range(6):
            data = (text * 4)[i:].encode("utf-8")
            pages.append(("UTF-8 as Latin-1", data.decode("cp1252", "replace") if i % 2 else data.decode("latin-1")))
    cyrillic = FOREIGN[2] * 4
    pages += [("Cyrillic as Latin-1", cyrillic[i:].encode("cp1251").decode("latin-1")) for i in range(8)]
    return pages


def main() -> None:
    folder, *more = [word for word in sys.argv[1:] if word != "-v"]
    good = good_pages(folder, more)
    bad = bad_pages([text for kind, text in good if kind.startswith("page")])
    limits = Limits()
    found: dict[tuple[bool, str], list[int]] = defaultdict(lambda: [0, 0])
    for is_bad, pages in ((False, good), (True, bad)):
        for kind, text in pages:
            fault = page_fault(text, limits)
            found[is_bad, kind][0] += bool(fault)
            found[is_bad, kind][1] += 1
            if bool(fault) != is_bad and "-v" in sys.argv:
                print("WRONG", kind, fault, repr(text[:100]))
    print(f"{'label':6} {'kind':22} dropped of")
    for (is_bad, kind), (dropped, count) in sorted(found.items()):
        print(f"{'bad' if is_bad else 'good':6} {kind:22} {dropped:7} {count}")
    caught = sum(n for (is_bad, _), (n, _) in found.items() if is_bad)
    wrong = sum(n for (is_bad, _), (n, _) in found.items() if not is_bad)
    print(
        f"{len(good)} good, {len(bad)} bad pages: recall {caught / len(bad):.3f}, "
        f"precision {caught / (caught + wrong):.3f}, "
        f"good pages dropped {wrong} ({wrong / len(good):.1%})"
    )


if __name__ == "__main__":
    main()
