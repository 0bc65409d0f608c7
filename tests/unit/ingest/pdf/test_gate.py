"""Pages above a quality, read again by a second engine, held against their text layer, in the wanted languages."""

import shutil
import textwrap

import pytest
from megascience.ingest.books import Book
from megascience.ingest.pdf import gate as module
from megascience.ingest.pdf.gate import readable_pages
from megascience.ingest.pdf.pages import page_row
from megascience.ingest.schemas import PAGES
from megascience.storage.drops import Drop
from megascience.storage.errors import InputError
from megascience.storage.parquet import to_table
from minipdf import Page, pdf, text_page

PROSE = (
    "A wave carries energy without carrying matter. Its speed is the product of wavelength and frequency, and it "
    "depends on the medium only. Where two waves meet, their displacements add, which is called superposition."
)
GERMAN = (
    "Die Welle bringt Energie, ohne dass Stoff bewegt wird, und ihre Geschwindigkeit ist das Produkt aus der Strecke "
    "und der Frequenz. Wenn zwei Wellen sich treffen, werden ihre Auslenkungen addiert. "
)
LINES = textwrap.wrap(PROSE, 60)


def book(tmp_path, *pages, book_id="waves"):
    path = tmp_path / f"{book_id}.pdf"
    path.write_bytes(pdf(pages))
    return Book(book_id, ("physics",), book_id, str(path), "", "", "books.tsv:2")


def reasons(drops):
    return {identifier: drop.reason for identifier, drop in drops}


def test_a_page_of_garbage_is_dropped_with_its_figures(tmp_path):
    waves = book(tmp_path, text_page(*LINES), text_page(" ".join("Thewavecarriesenergy"), " ".join("andnomatter")))
    rows, drops = readable_pages([waves], {"engine": "pdftext"})
    assert [row["page"] for row in rows] == [1]
    assert reasons(drops) == {"waves:00002": "page_unreadable"}
    assert "% of the letters stand apart" in drops[0][1].detail
    assert to_table(rows, PAGES).num_rows == 1
    assert (rows[0]["language"], rows[0]["unknown"], rows[0]["agreement"]) == ("English", 0, None)


def test_limits_come_from_the_config(tmp_path):
    waves = book(tmp_path, text_page(" ".join("Thewavecarriesenergy"), " ".join("andnomatter")))
    rows, drops = readable_pages([waves], {"engine": "pdftext", "quality": {"apart": 1.0}})
    assert (len(rows), drops) == (1, [])


def test_pages_and_books_in_other_languages(tmp_path):
    german = textwrap.wrap(GERMAN * 2, 60)
    mixed = book(tmp_path, text_page(*LINES), text_page(*german[:3]), book_id="mixed")
    whole = book(tmp_path, text_page(*german), Page(), text_page(*LINES[:2]), book_id="whole")
    rows, drops = readable_pages([mixed, whole], {"engine": "pdftext"})
    assert [row["page_id"] for row in rows] == ["mixed:00001"]
    assert reasons(drops) == {"mixed:00002": "not_english", "whole": "not_english"}
    assert dict(drops)["whole"].detail == "1 of 3 pages are in German"
    rows, drops = readable_pages([mixed, whole], {"engine": "pdftext", "languages": []})
    assert [row["language"] for row in rows] == ["English", "German", "German", "English"]


@pytest.fixture
def readings(monkeypatch):
    """Let other engines than the text layer read what a test says: {engine: {page_id: text or Drop}}."""
    said, real = {}, module.digitize

    def digitize(books, engine, options, workspace, wanted=None):
        if engine not in said:
            return real(books, engine, options, workspace, wanted)
        rows, drops = [], []
        for one in books:
            for number in range(1, 10):
                page_id = f"{one.book_id}:{number:05d}"
                if page_id in said[engine] and (wanted is None or number in wanted[one.book_id]):
                    read = said[engine][page_id]
                    if isinstance(read, Drop):
                        drops.append((page_id, read))
                    else:
                        rows.append(page_row(one, number, read, engine, "1"))
        return rows, drops

    monkeypatch.setattr(module, "digitize", digitize)
    return said


def test_pages_without_text_and_of_garbage_are_read_again(tmp_path, readings):
    waves = book(tmp_path, text_page(*LINES), Page(bars=[(9, 99, 9)]), text_page(" ".join("Thewavecarriesenergy" * 2)))
    readings["tesseract"] = {f"waves:{n:05d}": f"Page {n}. {PROSE}" for n in (1, 2)}
    readings["tesseract"]["waves:00003"] = Drop("page_empty")
    rows, drops = readable_pages([waves], {"engine": "pdftext", "fallback": "tesseract"})
    assert [(row["page"], row["engine"]) for row in rows] == [(1, "pdftext"), (2, "tesseract")]
    ((page_id, drop),) = drops
    assert (page_id, drop.reason) == ("waves:00003", "page_unreadable")
    assert drop.detail.endswith("; read again by tesseract: page_empty")


def test_an_invented_page_disagrees_with_the_text_layer(tmp_path, readings):
    other = "The committee of the bank decided that interest rates will rise in March because prices grew fast. " * 4
    waves = book(tmp_path, text_page(*LINES), text_page(*LINES), Page(), Page(bars=[(9, 99, 9)]))
    readings["olmocr"] = {
        "waves:00001": "# Waves\n\n" + PROSE,
        "waves:00002": other,
        "waves:00003": other,  # nothing at all is on this page
        "waves:00004": other,  # a picture, which nobody else can read
    }
    rows, drops = readable_pages([waves], {"engine": "olmocr"})
    assert [(row["page"], row["compared_with"]) for row in rows] == [(1, "text layer"), (4, None)]
    assert rows[0]["agreement"] > 0.9
    assert reasons(drops) == {"waves:00002": "page_disagrees", "waves:00003": "page_disagrees"}
    assert "blank page" in dict(drops)["waves:00003"].detail
    rows, _ = readable_pages([waves], {"engine": "olmocr", "fallback": "pdftext"})
    assert [(row["page"], row["engine"]) for row in rows] == [(1, "olmocr"), (2, "pdftext"), (4, "olmocr")]


def test_a_missing_tesseract_is_found_before_any_page_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_: None)
    with pytest.raises(InputError, match="apt-get install tesseract-ocr"):
        readable_pages([book(tmp_path, Page())], {"engine": "pdftext", "fallback": "tesseract"})


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract-ocr is not installed")
def test_tesseract_reads_pictures_of_pages(tmp_path):
    waves = book(tmp_path, text_page(*LINES), Page(), text_page("Standing waves fit between the ends."))
    rows, drops = readable_pages([waves], {"engine": "tesseract", "tesseract": {"dpi": 200}})
    assert [row["page"] for row in rows] == [1, 3]
    assert rows[0]["text"].replace("\n", " ") == PROSE
    assert (rows[0]["compared_with"], rows[0]["agreement"]) == ("text layer", 1.0)
    assert rows[0]["engine_version"].startswith("tesseract ")
    assert reasons(drops) == {"waves:00002": "page_empty"}
    with pytest.raises(InputError, match="tesseract-ocr-xyz"):
        readable_pages([waves], {"engine": "tesseract", "tesseract": {"languages": "xyz"}})
