"""The shelf: what is read, and one message a fault that names file, row and fix."""

import hashlib

import pytest
from megascience.ingest.books import COLUMNS, Book, check_books, read_shelf
from megascience.storage.errors import InputError
from minipdf import Page, encrypted, pdf, text_page

KNOWN = ("physics", "biology", "medicine")
HEADER = "\t".join(COLUMNS)


def shelf(tmp_path, *rows, header=HEADER, end="\n", encoding="utf-8"):
    path = tmp_path / "books.tsv"
    path.write_bytes(end.join([header, *rows, ""]).encode(encoding))
    return path


def row(book_id="waves", disciplines="physics", title="Waves", path="w.pdf", sha256="", licence="CC-BY-4.0"):
    return "\t".join([book_id, disciplines, title, path, sha256, licence])


def faults(path):
    with pytest.raises(InputError) as caught:
        read_shelf(path, KNOWN)
    return str(caught.value).split("\n")


def test_reads_a_row_with_all_its_fields(tmp_path):
    path = shelf(tmp_path, row(disciplines="biology; medicine", sha256="AB" * 32))
    assert read_shelf(path, KNOWN) == [
        Book("waves", ("biology", "medicine"), "Waves", "w.pdf", "ab" * 32, "CC-BY-4.0", f"{path}:2")
    ]
    assert read_shelf(path, KNOWN)[0].discipline == "biology"


@pytest.mark.parametrize(("end", "encoding"), [("\r\n", "utf-8"), ("\n", "utf-8-sig"), ("\r\n", "utf-8-sig")])
def test_windows_line_ends_and_byte_order_marks_change_nothing(tmp_path, end, encoding):
    path = shelf(tmp_path, row(), row("optics"), end=end, encoding=encoding)
    assert [(book.book_id, book.licence) for book in read_shelf(path, KNOWN)] == [
        ("waves", "CC-BY-4.0"),
        ("optics", "CC-BY-4.0"),
    ]


def test_blank_lines_are_skipped_but_counted(tmp_path):
    path = shelf(tmp_path, "", row(), "\t\t\t\t\t", "  ", row("optics"))
    assert [book.row for book in read_shelf(path, KNOWN)] == [f"{path}:3", f"{path}:6"]


def test_quotation_marks_and_other_scripts_stay_in_a_title(tmp_path):
    title = '"Waves" and Schrödinger’s 波'
    assert read_shelf(shelf(tmp_path, row(title=title)), KNOWN)[0].title == title


def test_columns_may_stand_in_another_order(tmp_path):
    header = "title\tbook_id\tpath\tdisciplines\tlicence\tsha256"
    path = shelf(tmp_path, "Waves\twaves\tw.pdf\tphysics\tCC0\t", header=header)
    assert read_shelf(path, KNOWN)[0] == Book("waves", ("physics",), "Waves", "w.pdf", "", "CC0", f"{path}:2")


def test_disciplines_and_level_may_be_left_to_the_model(tmp_path):
    path = shelf(tmp_path, row(disciplines=" ; "), row("optics") + "\tgraduate", header=HEADER + "\tlevel")
    waves, optics = read_shelf(path, KNOWN)
    assert waves.disciplines == () and waves.level == "" and waves.discipline == "unclassified"
    assert optics.level == "graduate" and optics.discipline == "physics"


def test_a_row_may_end_early_where_the_last_cells_are_empty(tmp_path):
    path = shelf(tmp_path, "waves\tphysics\tWaves\tw.pdf")
    assert read_shelf(path, KNOWN)[0].licence == ""


@pytest.mark.parametrize(
    ("bad", "where", "said"),
    [
        (row(disciplines="alchemy"), 2, "unknown discipline 'alchemy'; use one of physics, biology, medicine"),
        (row() + "\tprimary", 2, "unknown level 'primary'; use one of school, undergraduate, graduate, or leave it"),
        (row(disciplines="physics;physics"), 2, "named twice"),
        (row(book_id="Waves-1"), 2, "book_id 'Waves-1'"),
        (row(book_id="../x"), 2, "book_id '../x'"),
        (row(book_id=""), 2, "book_id ''"),
        (row(title=" "), 2, "title is empty; fill it in"),
        (row(path=""), 2, "path is empty; fill it in"),
        (row(sha256="abc"), 2, "sha256 'abc' is not 64 hex digits"),
        (row(sha256="g" * 64), 2, "is not 64 hex digits"),
        (row() + "\t\textra", 2, "8 cells under 7 columns"),
    ],
)
def test_a_fault_of_a_row_names_file_row_and_fix(tmp_path, bad, where, said):
    path = shelf(tmp_path, bad, row("good"), header=HEADER + "\tlevel")
    (message,) = faults(path)
    assert message.startswith(f"{path}:{where}: ") and said in message


def test_all_faults_come_in_one_error(tmp_path):
    path = shelf(tmp_path, row(disciplines="alchemy", title=""), row("optics", sha256="1"), row("optics"))
    messages = faults(path)
    assert [message.split(": ")[0] for message in messages] == [f"{path}:2", f"{path}:2", f"{path}:3", f"{path}:4"]
    assert f"'optics' is already at {path}:3" in messages[-1]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (HEADER.replace("licence", "license"), ["column 'licence' is missing", "unknown column 'license'"]),
        (HEADER + "\ttitle", ["column 'title' is there twice"]),
        (HEADER.replace("\t", ","), ["column 'book_id' is missing"]),
    ],
)
def test_the_columns_are_a_closed_set(tmp_path, header, said):
    messages = faults(shelf(tmp_path, row(), header=header))
    assert all(any(text in message and ":1: " in message for message in messages) for text in said)


@pytest.mark.parametrize(("content", "said"), [(b"", "is empty"), (b"\xff\xfe", "not UTF-8"), (None, "cannot be read")])
def test_a_file_that_is_no_table(tmp_path, content, said):
    path = tmp_path / "books.tsv"
    if content is not None:
        path.write_bytes(content)
    assert said in faults(path)[0]


def test_a_shelf_without_books_is_a_fault(tmp_path):
    assert "no book is listed" in faults(shelf(tmp_path))[0]


# --- the files -----------------------------------------------------------------------------------------------

GOOD = pdf([text_page("A wave carries energy.")])


def book(tmp_path, content, sha256=""):
    path = tmp_path / "book.pdf"
    if content is not None:
        path.write_bytes(content)
    return Book("waves", ("physics",), "Waves", str(path), sha256, "", "books.tsv:7")


def test_good_books_have_no_fault(tmp_path):
    assert check_books([book(tmp_path, GOOD), book(tmp_path, GOOD, hashlib.sha256(GOOD).hexdigest())]) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no file"),
        (b"", "is empty; copy the PDF again"),
        (b"<html>404</html>", "is not a PDF"),
        (b"%PDF-1.4\n" + b"junk " * 50, "is corrupt"),
        (encrypted(), "is encrypted; save a copy without password"),
        (pdf([]), "has no pages"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_row_path_and_fix(tmp_path, content, said):
    bad = book(tmp_path, content)
    (message,) = check_books([bad])
    assert message.startswith("books.tsv:7: book 'waves': ") and bad.path in message and said in message


def test_a_wrong_digest_is_told_with_both(tmp_path):
    (message,) = check_books([book(tmp_path, GOOD, "0" * 64)])
    assert hashlib.sha256(GOOD).hexdigest() in message and "0" * 64 in message


def test_a_torn_copy_of_a_pinned_book_is_told_by_its_digest(tmp_path):
    (message,) = check_books([book(tmp_path, GOOD[:200], hashlib.sha256(GOOD).hexdigest())])
    assert "has sha256" in message


def test_junk_before_the_header_is_tolerated_as_readers_do(tmp_path):
    assert check_books([book(tmp_path, b"\n" * 100 + pdf([Page([(50, 500, 10, "text")])]))]) == []


def test_each_bad_book_has_one_message(tmp_path):
    books = [
        Book(name, ("physics",), name, str(tmp_path / name), "", "", f"books.tsv:{line}")
        for line, name in enumerate(["gone.pdf", "good.pdf", "empty.pdf"], start=2)
    ]
    (tmp_path / "good.pdf").write_bytes(GOOD)
    (tmp_path / "empty.pdf").touch()
    assert [message.split(": ")[0] for message in check_books(books)] == ["books.tsv:2", "books.tsv:4"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a{b}.pdf", "has { and }, which Snakemake reads as its own; rename the file"),
        ("half{.pdf", "has {, which"),
        ("<results>.pdf", "has < and >, which"),
        ("bell\x07.pdf", r"path 'bell\x07.pdf' has a line break, a tab or another control character"),
        ("line\u2028end.pdf", r"path 'line\u2028end.pdf' has a line break"),
    ],
)
def test_a_path_that_no_rule_can_take_is_told_with_its_row(tmp_path, name, said):
    path = shelf(tmp_path, row(path=name), row("optics"))
    assert len(faults(path)) == 1
    assert faults(path)[0].startswith(f"{path}:2: path ") and said in faults(path)[0]


def test_odd_but_usable_paths_are_read(tmp_path):
    names = ["a b.pdf", "50% [draft] (2).pdf", "курс.pdf", "-x.pdf", "it's.pdf", "a&b;c$d.pdf", "*.pdf"]
    path = shelf(tmp_path, *(row(f"b{n}", path=name) for n, name in enumerate(names)))
    assert [book.path for book in read_shelf(path, KNOWN)] == names


def test_a_file_under_several_names_is_listed_once(tmp_path):
    (tmp_path / "w.pdf").write_bytes(b"x")
    (tmp_path / "link.pdf").symlink_to(tmp_path / "w.pdf")
    (tmp_path / "hard.pdf").hardlink_to(tmp_path / "w.pdf")
    names = ["w.pdf", "./w.pdf", "link.pdf", "hard.pdf"]
    path = shelf(tmp_path, *(row(f"b{n}", path=f"{tmp_path}/{name}") for n, name in enumerate(names)))
    told = faults(path)
    assert len(told) == 3 and told[1] == (
        f"{path}:4: {tmp_path}/link.pdf is the same file as {tmp_path}/w.pdf at {path}:2; "
        "list a book once, with all its disciplines"
    )


def test_separators_of_unicode_stay_in_a_title(tmp_path):
    assert read_shelf(shelf(tmp_path, row(title="Waves\x0band\u2028beats\x85")), KNOWN)[0].title.startswith("Waves")
