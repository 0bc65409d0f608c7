"""A Typst source becomes a PDF with the same bytes everywhere, or one clear message."""

import datetime
import shutil
from pathlib import Path

import pypdfium2
import pytest
from megascience.ingest.typeset import typeset
from megascience.storage.errors import InputError

BOOK = '#set document(title: "T")\n= Chapter\nText with $x^2$, a _word_ and a date-free footer.\n'


def write(folder: Path, text: str, name: str = "book.typ") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def test_text_survives(tmp_path):
    typeset(write(tmp_path, BOOK), tmp_path / "new" / "book.pdf")
    with pypdfium2.PdfDocument(tmp_path / "new" / "book.pdf") as pdf:
        assert len(pdf) == 1
        assert "a word and a date-free footer." in pdf[0].get_textpage().get_text_bounded()


def test_equal_bytes_wherever_and_whenever(tmp_path, monkeypatch):
    first = write(tmp_path / "a", BOOK)
    typeset(first, tmp_path / "one.pdf")
    (tmp_path / "b").mkdir()
    second = Path(shutil.copy(first, tmp_path / "b" / "renamed.typ"))
    monkeypatch.chdir(tmp_path / "b")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    typeset(second.name, tmp_path / "two.pdf")
    data = (tmp_path / "one.pdf").read_bytes()
    assert data == (tmp_path / "two.pdf").read_bytes()
    assert f"D:{datetime.date.today().year}".encode() not in data
    # The comparison can fail: another text gives other bytes.
    typeset(write(tmp_path / "c", BOOK + "more"), tmp_path / "three.pdf")
    assert data != (tmp_path / "three.pdf").read_bytes()


def test_day_of_compilation_does_not_show(tmp_path):
    source = write(tmp_path, "#datetime.today().display()")
    typeset(source, tmp_path / "a.pdf")
    with pypdfium2.PdfDocument(tmp_path / "a.pdf") as pdf:
        assert pdf[0].get_textpage().get_text_bounded().strip() == "1970-01-01"


def test_imports_of_the_same_folder(tmp_path):
    write(tmp_path, '#let greet = "hello"', "template.typ")
    typeset(write(tmp_path, '#import "template.typ": *\n#greet'), tmp_path / "a.pdf")
    with pypdfium2.PdfDocument(tmp_path / "a.pdf") as pdf:
        assert pdf[0].get_textpage().get_text_bounded().strip() == "hello"


def test_nothing_outside_the_folder_is_read(tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    source = write(tmp_path / "books", '#read("../secret.txt")')
    with pytest.raises(InputError):
        typeset(source, tmp_path / "a.pdf")
    assert not (tmp_path / "a.pdf").exists()


def test_syntax_error_names_file_and_line_and_keeps_the_old_pdf(tmp_path):
    output = tmp_path / "book.pdf"
    output.write_bytes(b"old")
    source = write(tmp_path, "fine\n\n#let x = (1,\n")
    with pytest.raises(InputError, match=r"book\.typ: Typst cannot compile it") as caught:
        typeset(source, output)
    assert "unclosed delimiter" in str(caught.value)
    assert "book.typ:3" in str(caught.value)
    assert output.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["book.pdf", "book.typ"]


def test_unknown_name_is_an_error(tmp_path):
    with pytest.raises(InputError, match="unknown variable: nonsense"):
        typeset(write(tmp_path, "#nonsense"), tmp_path / "a.pdf")


def test_missing_source(tmp_path):
    with pytest.raises(InputError, match=r"absent\.typ: no such Typst file"):
        typeset(tmp_path / "absent.typ", tmp_path / "a.pdf")
