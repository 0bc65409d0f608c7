"""The public olmOCR-bench sample without its formulas: our text layer beside pdftotext and, where installed, others.

    python benchmarks/pdf_olmocr_sample.py CHECKOUT_OF_OLMOCR

CHECKOUT_OF_OLMOCR is a clone of github.com/allenai/olmocr; its tests and PDFs are used in place and copied nowhere.
Needs fuzzysearch, rapidfuzz, tqdm, beautifulsoup4; pdftotext (poppler-utils), pymupdf, pymupdf4llm are optional.
"""

import json
import shutil
import subprocess
import sys
import types
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from megascience.ingest.pdf.text_layer.read import read_book


def ours(path: Path, page: int) -> str:
    return str(read_book(path)[page - 1]["text"])


def pdftotext(path: Path, page: int) -> str:
    command = ["pdftotext", "-f", str(page), "-l", str(page), str(path), "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.replace("\f", "")


def pymupdf(path: Path, page: int) -> str:
    return str(import_module("pymupdf").open(path)[page - 1].get_text())


def pymupdf4llm(path: Path, page: int) -> str:
    return str(import_module("pymupdf4llm").to_markdown(str(path), pages=[page - 1], show_progress=False))


def tools() -> dict[str, Callable[[Path, int], str]]:
    """Return the tools that are installed."""
    found: dict[str, Callable[[Path, int], str]] = {"ours": ours}
    if shutil.which("pdftotext"):
        found["pdftotext"] = pdftotext
    found.update({f.__name__: f for f in (pymupdf, pymupdf4llm) if find_spec(f.__name__)})
    return found


def main() -> None:
    checkout = Path(sys.argv[1])
    sample = checkout / "olmocr/bench/sample_data"
    sys.path.insert(0, str(checkout))
    # the tests of formulas render with a browser, which is not used here
    katex = types.ModuleType("olmocr.bench.katex.render")
    katex.compare_rendered_equations = katex.render_equation = lambda *_: None  # type: ignore[attr-defined]
    sys.modules["olmocr.bench.katex.render"] = katex
    load = import_module("olmocr.bench.tests").load_single_test
    lines = [line for name in ("dataset", "blanks") for line in (sample / f"{name}.jsonl").open() if line.strip()]
    cases = [case for case in map(json.loads, lines) if case["type"] != "math"]
    of = Counter(case["type"] for case in cases)
    for name, read in tools().items():
        texts = {(c["pdf"], c["page"]): read(sample / "pdfs" / c["pdf"], c["page"]) for c in cases}
        passed = Counter(c["type"] for c in cases if load(c).run(texts[c["pdf"], c["page"]])[0])
        print(
            f"{name:12}", *(f"{kind} {passed[kind]}/{count}" for kind, count in of.items()), passed.total(), of.total()
        )


if __name__ == "__main__":
    main()
