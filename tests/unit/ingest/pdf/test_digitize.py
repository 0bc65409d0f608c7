"""Digitize with the text layer: from real PDFs to rows and drops, and what cleans the text."""

import importlib.metadata
import itertools
import sys
import textwrap

import pytest
from megascience.ingest.books import Book
from megascience.ingest.pdf import digitize as module
from megascience.ingest.pdf.digitize import digitize
from megascience.ingest.pdf.text_layer.columns import order_columns
from megascience.ingest.pdf.text_layer.edges import strip_running
from megascience.ingest.pdf.text_layer.formulas import compose, plain
from megascience.ingest.pdf.text_layer.glyphs import Bar, Glyph
from megascience.ingest.pdf.text_layer.lines import Line
from megascience.ingest.pdf.text_layer.read import page_texts, read_book
from megascience.storage.errors import InputError
from megascience.storage.parquet import to_table
from minipdf import Page, encrypted, pdf, text_page
from owned import SCHEMAS


def book(tmp_path, content, book_id="waves"):
    path = tmp_path / f"{book_id}.pdf"
    path.write_bytes(content)
    return Book(book_id, ("physics",), book_id, str(path), "", "", "books.tsv:2")


def texts(tmp_path, *pages):
    """Return the text of each page of a PDF with these pages."""
    path = tmp_path / "book.pdf"
    path.write_bytes(pdf(pages))
    return [page["text"] for page in read_book(path)]


PROSE = textwrap.wrap(
    "A wave carries energy without carrying matter. Its speed is the product of wavelength and frequency, and it "
    "depends on the medium only. Where two waves meet, their displacements add, which is called superposition. "
    "Standing waves arise when a wave meets its own reflection, and only some frequencies fit between the ends.",
    52,
)


# --- rows and drops ------------------------------------------------------------------------------------------


def test_each_page_becomes_a_row_or_a_drop(tmp_path):
    content = pdf([text_page("First page."), Page(), text_page("Third page.")])
    rows, drops = digitize([book(tmp_path, content)], "pdftext", {})
    assert [(row["page_id"], row["page"], row["text"]) for row in rows] == [
        ("waves:00001", 1, "First page."),
        ("waves:00003", 3, "Third page."),
    ]
    assert [(page_id, drop.reason) for page_id, drop in drops] == [("waves:00002", "page_empty")]
    assert {row["engine"] for row in rows} == {"pdftext"}
    assert {row["engine_version"] for row in rows} == {f"pypdfium2 {importlib.metadata.version('pypdfium2')}"}
    assert to_table(rows, SCHEMAS["digitize"]).num_rows == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"%PDF-1.4\n" + b"junk " * 50, "corrupt"),
        (encrypted(), "encrypted"),
        (b"no pdf", "not a PDF"),
        (pdf([]), "no pages"),
        (pdf([text_page("text")])[:150], "corrupt"),
    ],
)
def test_an_unreadable_book_is_one_dropped_row_and_the_others_go_on(tmp_path, content, said):
    good = pdf([text_page("Good page.")])
    books = [book(tmp_path, good, "a"), book(tmp_path, content, "bad"), book(tmp_path, good, "c")]
    rows, drops = digitize(books, "pdftext", {})
    assert [row["book_id"] for row in rows] == ["a", "c"]
    ((identifier, drop),) = drops
    assert (identifier, drop.reason) == ("bad", "book_unreadable")
    assert said in drop.detail


def test_a_book_that_vanished_is_a_dropped_row(tmp_path):
    gone = Book("gone", ("physics",), "Gone", str(tmp_path / "gone.pdf"), "", "", "books.tsv:2")
    rows, drops = digitize([gone], "pdftext", {})
    assert rows == []
    assert drops[0][1].reason == "book_unreadable"
    assert "gone.pdf" in drops[0][1].detail


def interpreter(tmp_path, monkeypatch, body):
    """Let the process that reads a PDF be a Python program with this body."""
    script = tmp_path / "python"
    script.write_text(f"#!{sys.executable}\nimport json, os, signal, sys, time\n{body}\n")
    script.chmod(0o755)
    monkeypatch.setattr(module.sys, "executable", str(script))


@pytest.mark.long
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "killed by signal 11"),
        ("time.sleep(900)", "not read within 9 s"),
        ("sys.exit('heap is torn')", "heap is torn"),
    ],
)
def test_a_pdf_that_crashes_or_hangs_its_reader_takes_only_its_book_along(tmp_path, monkeypatch, body, said):
    interpreter(tmp_path, monkeypatch, f"if 'bad' in sys.argv[-1]: {body}\nprint(json.dumps({{'fault': 'fine'}}))")
    content = pdf([text_page("text")])
    limit = 9 if "sleep" in body else 900
    books = [book(tmp_path, content, name) for name in ("bad", "good")]
    _, drops = digitize(books, "pdftext", {"time_limit": limit})
    assert [(identifier, drop.reason) for identifier, drop in drops] == [
        ("bad", "book_unreadable"),
        ("good", "book_unreadable"),
    ]
    assert said in drops[0][1].detail
    assert drops[1][1].detail == "fine"


@pytest.mark.long
def test_several_workers_give_the_same_rows_in_the_same_order(tmp_path):
    books = [book(tmp_path, pdf([text_page(f"Book {name}.")]), name) for name in "abcd"]
    assert digitize(books, "pdftext", {"workers": 2}) == digitize(books, "pdftext", {})


@pytest.mark.parametrize(
    ("engine", "options", "said"),
    [
        ("ocr", {}, "unknown digitizing engine 'ocr'; use pdftext, tesseract, olmocr"),
        ("pdftext", {"timeout": 3}, "unknown option 'timeout' of engine pdftext; use time_limit, workers"),
        ("olmocr", {"model": "m"}, "needs a workspace"),
    ],
)
def test_unknown_engines_and_options_are_told(engine, options, said):
    with pytest.raises(InputError, match=said):
        digitize([], engine, options)


# --- lines to paragraphs ---------------------------------------------------------------------------------------


def test_lines_become_paragraphs_at_gaps(tmp_path):
    page = Page(
        [(50, 550 - 12 * i, 10, line) for i, line in enumerate(PROSE)] + [(50, 440, 10, "Next paragraph here.")]
    )
    assert texts(tmp_path, page) == [" ".join(PROSE) + "\n\nNext paragraph here."]


def test_lines_become_paragraphs_at_indents(tmp_path):
    body = [*PROSE[:-1], "and so it ends."]
    lines = [(50, 550 - 12 * i, 10, line) for i, line in enumerate(body)]
    lines += [(65 if i == 0 else 50, 550 - 12 * (len(body) + i), 10, line) for i, line in enumerate(PROSE)]
    assert texts(tmp_path, Page(lines)) == [" ".join(body) + "\n\n" + " ".join(PROSE)]


def test_a_heading_stands_alone(tmp_path):
    lines = [(50, 550, 14, "2.1 Standing waves", "F2")] + [(50, 532 - 12 * i, 10, t) for i, t in enumerate(PROSE)]
    assert texts(tmp_path, Page(lines)) == ["2.1 Standing waves\n\n" + " ".join(PROSE)]


def test_exercises_that_follow_each_other_stay_apart(tmp_path):
    lines = [*PROSE, "Exercise 1. Find the speed of the wave.", "Exercise 2. Find its period.", "Solution. It is 2 s."]
    assert texts(tmp_path, text_page(*lines))[0].split("\n\n") == [" ".join(PROSE), *lines[-3:]]


def test_code_keeps_its_lines_and_their_indents(tmp_path):
    code = [
        "def area(r):",
        "    if r < 0:",
        "        return 0.0",
        "    return 3.14 * r * r",
        "print(area(2.0), area(3.0))",
    ]
    lines = [(50, 550 - 12 * i, 10, t) for i, t in enumerate(PROSE)]
    for i, text in enumerate(code):  # Courier's characters are 0.6 em wide
        lines.append((50 + 6 * (len(text) - len(text.lstrip())), 450 - 12 * i, 10, text.lstrip(), "F3"))
    assert texts(tmp_path, Page(lines))[0].split("\n\n")[1] == "\n".join(code)


def test_cells_of_a_table_keep_their_rows(tmp_path):
    rows = [("10", "2.0"), ("20", "4.0"), ("30", "6.0")]
    lines = [(50, 550 - 12 * i, 10, t) for i, t in enumerate(PROSE)]
    for i, (speed, time) in enumerate(rows):
        lines += [(60, 450 - 12 * i, 10, speed), (160, 450 - 12 * i, 10, time)]
    table = "|  |  |\n| --- | --- |\n| 10 | 2.0 |\n| 20 | 4.0 |\n| 30 | 6.0 |"  # no row of heads
    assert texts(tmp_path, Page(lines))[0].split("\n\n")[1] == table


def test_a_table_of_contents_keeps_its_entries_and_loses_its_dots(tmp_path):
    entries = [
        "1 Waves . . . . . . . . . . . . . . . . . . . . . . . . 5",
        "1.1 Sound .......................................... 7",
    ]
    assert texts(tmp_path, text_page(*entries)) == ["1 Waves … 5\n1.1 Sound … 7"]


# --- words -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "broken", "after", "joined"),
    [
        ("", "the fre-", "quency of a tone", "the frequency of a tone"),
        (
            "a well-known result and a well-known law, ",
            "this is a well-",
            "known effect",
            "this is a well-known effect",
        ),
        ("the third man at a party of four, ", "a third-", "party tool", "a third-party tool"),
        ("", "the method of Runge-", "Kutta and", "the method of Runge-Kutta and"),
        ("", "the years 1914-", "1918 were", "the years 1914-1918 were"),
        ("", "a half-", "life of six hours", "a half-life of six hours"),
    ],
)
def test_words_cut_at_a_line_end(tmp_path, before, broken, after, joined):
    filler = [before] if before else []
    (text,) = texts(tmp_path, text_page(*filler, broken, after + " and more words that fill the line to its end"))
    assert joined in text.replace("\n", " ")


def test_ligatures_odd_spaces_and_control_characters_are_made_plain(tmp_path):
    from megascience.ingest.pdf.text_repair import clean_text

    assert clean_text("e\ufb03cient \ufb01eld\u00a0line\u200b") == "efficient field line"
    assert clean_text("10² m, x₀, H₂O, 5 °C") == "10² m, x₀, H₂O, 5 °C"
    assert clean_text("𝑚𝑣 𝟑 𝛼 ℎ") == "mv 3 α h"
    assert clean_text("45˚ angle, 5´ end, y´ is") == "45˚ angle, 5´ end, y´ is"
    assert clean_text("a\x07b, \ud835 alone") == "a\ufffdb, \ufffd alone"


# --- running heads ---------------------------------------------------------------------------------------------


def with_head(number, head=None, foot=None, body=PROSE):
    lines = [(50, 540 - 12 * i, 10, line) for i, line in enumerate(body)]
    lines += [(50, 575, 9, head)] if head else []
    lines += [(200, 20, 9, foot)] if foot else []
    return Page(lines)


def body_of(i):
    """Return prose that differs from page to page, so that only what repeats is a running head."""
    return [f"Page text {chr(97 + i)} begins with some words of its own and a", *PROSE[1:]]


def test_running_heads_and_page_numbers_go(tmp_path):
    pages = [
        with_head(i, head=f"{12 + i} CHAPTER 2. WAVES" if i % 2 else f"2.3 Sound {12 + i}", foot=None, body=body_of(i))
        for i in range(8)
    ]
    for i, text in enumerate(texts(tmp_path, *pages)):
        assert text == " ".join(body_of(i))


def test_a_head_that_changes_with_each_section_goes_by_its_page_number(tmp_path):
    heads = ["Sound", "Light", "Water", "Strings", "Pipes", "Echoes"]
    pages = [with_head(i, head=f"{head} {30 + i}", body=body_of(i)) for i, head in enumerate(heads)]
    assert texts(tmp_path, *pages) == [" ".join(body_of(i)) for i in range(len(heads))]


@pytest.mark.parametrize(
    "feet", [["1", "2", "3", "4"], ["iv", "v", "vi", "vii"], ["- 8 -", "- 9 -", "- 10 -", "- 11 -"]]
)
def test_page_numbers_at_the_foot_go(tmp_path, feet):
    pages = [with_head(i, foot=foot, body=body_of(i)) for i, foot in enumerate(feet)]
    assert texts(tmp_path, *pages) == [" ".join(body_of(i)) for i in range(len(feet))]


def test_a_chapter_with_the_number_of_its_page_keeps_its_heading(tmp_path):
    pages = [with_head(i, head=None if i == 1 else f"{i + 1} Waves", body=body_of(i)) for i in range(5)]
    pages[1] = Page([(50, 575, 9, "CHAPTER 2"), *pages[1].texts])
    assert texts(tmp_path, *pages)[1].startswith("CHAPTER 2\n\n")


def test_numbers_that_do_not_count_pages_stay(tmp_path):
    feet = ["17", "4", "256", "3"]
    pages = [with_head(i, foot=foot, body=body_of(i)) for i, foot in enumerate(feet)]
    assert [text.split("\n\n")[-1] for text in texts(tmp_path, *pages)] == feet


def test_a_line_that_repeats_inside_the_body_stays(tmp_path):
    pages = [text_page("The same opening sentence on each page, as it happens.", *body_of(i)) for i in range(6)]
    assert all(text.startswith("The same opening sentence") for text in texts(tmp_path, *pages))


def test_a_foot_that_stands_on_two_pages_stays():
    line = Line("Copyright", 50, 90, 20, 28, 20, 9)
    body = [Line(text, 50, 350, 500 - 12 * i, 508 - 12 * i, 500 - 12 * i, 10) for i, text in enumerate(PROSE)]
    pages = [[*body, line] if i < 2 else body for i in range(9)]
    assert [len(page) for page in strip_running(pages)] == [len(page) for page in pages]


def test_repeats_far_from_each_other_are_no_running_head():
    body = [Line(text, 50, 350, 500 - 12 * i, 508 - 12 * i, 500 - 12 * i, 10) for i, text in enumerate(PROSE)]
    pages = [[Line("Exercises", 50, 90, 570, 578, 570, 10), *body] if i % 10 == 0 else body for i in range(40)]
    assert [len(page) for page in strip_running(pages)] == [len(page) for page in pages]


# --- columns ---------------------------------------------------------------------------------------------------

LEFT = textwrap.wrap(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho. " * 5, 32
)[:12]
RIGHT = textwrap.wrap("one two three four five six seven eight nine ten eleven twelve thirteen fourteen. " * 5, 32)[:12]


def columns(order):
    left = [(30, 540 - 12 * i, 10, line) for i, line in enumerate(LEFT)]
    right = [(215, 540 - 12 * i, 10, line) for i, line in enumerate(RIGHT)]
    if order == "columns":
        return [*left, *right]
    return list(itertools.chain.from_iterable(zip(left, right, strict=True)))


@pytest.mark.parametrize("order", ["columns", "rows"])
def test_two_columns_are_read_one_after_the_other(tmp_path, order):
    (text,) = texts(tmp_path, Page(columns(order)))
    words = text.split()
    assert words == [*" ".join(LEFT).split(), *" ".join(RIGHT).split()]


@pytest.mark.parametrize("order", ["columns", "rows"])
def test_a_title_over_both_columns_comes_first(tmp_path, order):
    title = "A title that goes over both of the columns of the page"
    (text,) = texts(tmp_path, Page([(30, 570, 12, title), *columns(order)]))
    assert text.startswith(title + "\n\nalpha beta")


def test_a_table_of_short_cells_is_no_pair_of_columns():
    cells = [
        Line(text, x, x + 20, 500 - 12 * row, 508 - 12 * row, 500 - 12 * row, 10)
        for row in range(12)
        for text, x in ((f"a{row}", 50 + row % 3 * 20), (f"b{row}", 250 + row % 2 * 40))
    ]
    assert order_columns([cells]) == [cells]


# --- formulas --------------------------------------------------------------------------------------------------


def glyphs(text, x=0.0, base=100.0, size=10.0, lead=""):
    """Return glyphs of half an em each; a space gives the next one its lead."""
    result, place = [], x
    for character in text:
        if character == " ":
            lead, place = " ", place + 0.25 * size
            continue
        result.append(Glyph(character, place, place + 0.5 * size, base, base + 0.7 * size, base, size, lead=lead))
        lead, place = "", place + 0.5 * size
    return result


def test_superscripts_and_subscripts_are_marked():
    line = [*glyphs("x"), *glyphs("2", 5, 103.6, 7), *glyphs("+ y", 10), *glyphs("ij", 25, 98, 7), *glyphs("= H", 34)]
    line += [*glyphs("2", 46, 98, 7), *glyphs("O", 50), *glyphs("n", 55, 103.6, 7), *glyphs("− 10", 60)]
    line += glyphs("−3", 80, 103.6, 7)
    assert plain(line).replace(" ", "") == "x²+y_{ij}=H₂O^n−10⁻³"


def test_ordinals_degrees_and_small_capitals_are_no_scripts():
    assert plain([*glyphs("21"), *glyphs("st", 10, 103.6, 7)]) == "21st"
    assert plain([*glyphs("90"), *glyphs("◦", 10, 103.6, 7)]) == "90°"
    assert plain([*glyphs("S"), *glyphs("OUND", 5, 100, 7)]) == "SOUND"


def test_a_large_initial_does_not_make_the_line_a_script():
    assert plain([*glyphs("W", size=40), *glyphs("aves carry energy", 25, 112)]) == "Waves carry energy"


def test_a_bar_with_text_beside_makes_a_fraction():
    line = [*glyphs("v ="), *glyphs("d", 20, 106, lead=" "), *glyphs("t", 20, 92), *glyphs("+ u", 30, lead=" ")]
    assert plain(compose(line, [Bar(20, 25, 102.5)])) == "v = d/t + u"


@pytest.mark.parametrize(
    ("above", "below", "read"),
    [
        ("a+b", "2", "(a+b)/2"),
        ("mv", "r", "mv/r"),
        ("v", "2L", "v/(2L)"),
        ("1", "12", "1/12"),
        ("x", "y+1", "x/(y+1)"),
        ("(a)", "(b)", "(a)/(b)"),
    ],
)
def test_parts_of_a_fraction_are_bracketed_where_they_need_it(above, below, read):
    width = 5 * max(len(above), len(below))
    parts = [
        glyph
        for part, base in ((above, 106), (below, 92))
        for glyph in glyphs(part, 20 + (width - 5 * len(part)) / 2, base)
    ]
    line = [*glyphs("v = "), *parts, *glyphs(".", 22 + width)]
    assert plain(compose(line, [Bar(20, 20 + width, 102.5)])).replace(" ", "") == f"v={read}."


def test_a_fraction_beside_a_tall_sign_and_with_scripts():
    integral = Glyph("∫", 0, 8, 91.5, 113.5, 113.5, 10)
    above = [*glyphs("b", 12, 107), *glyphs("j", 17, 105.5, 7), *glyphs("2", 17, 110.6, 7)]
    line = [integral, *above, *glyphs("c", 14, 93), *glyphs("dx", 24)]
    assert plain(compose(line, [Bar(12, 20.5, 102.5)])).replace(" ", "") == "∫b_j²/cdx"


def test_a_rule_of_a_table_is_no_fraction():
    rows = [*glyphs("speed time", 0, 106), *glyphs("10   2.0", 0, 90)]
    assert compose(rows, [Bar(0, 200, 102.5)]) == rows


def test_an_underlined_word_is_no_fraction():
    rows = [*glyphs("word", 0, 106), *glyphs("next", 0, 90)]
    assert compose(rows, [Bar(0, 20, 104.5)]) == rows


def test_a_number_set_high_at_the_start_of_a_line_opens_a_footnote(tmp_path):
    lines = [(50, 550 - 12 * i, 10, line) for i, line in enumerate(PROSE[:-1])]
    lines += [(50, 103, 5, "1"), (55, 100, 8, "See the appendix.")]
    assert texts(tmp_path, Page(lines)) == ["¹ See the appendix.\n\n" + " ".join(PROSE[:-1])]
    finished = [*lines[: len(PROSE) - 2], (50, 450, 10, "It ends."), *lines[-2:]]
    assert texts(tmp_path, Page(finished))[0].endswith("It ends.\n\n¹ See the appendix.")


def test_fractions_survive_the_way_through_a_pdf(tmp_path):
    page = Page(
        [(50, 500, 10, "v ="), (72, 507, 10, "d"), (73, 493, 10, "t"), (84, 500, 10, "holds.")], bars=[(71, 79, 502.5)]
    )
    assert texts(tmp_path, page) == ["v = d/t holds."]


def test_a_root_with_its_bar():
    root = Glyph("√", 0, 8, 98, 110, 100, 10)
    assert plain(compose([root, *glyphs("a+b", 8.5), *glyphs("= c", 30)], [Bar(8, 24, 110)])) == "√(a+b)= c"


def test_limits_of_a_sum():
    total = Glyph("∑", 20, 30, 95, 109, 109, 10)
    line = [*glyphs("s =", 0), *glyphs("n", 23, 111, 7), total, *glyphs("i=1", 20, 88, 7), *glyphs("a", 34)]
    assert plain(compose(line, [])).replace(" ", "") == "s=∑_{i=1}^na"


def test_a_page_without_lines_has_no_text():
    assert page_texts([[], []]) == ["", ""]


def test_the_same_pdf_gives_the_same_rows(tmp_path):
    content = pdf([with_head(i, head=f"{i} Waves", body=body_of(i)) for i in range(5)])
    one = book(tmp_path, content)
    assert digitize([one], "pdftext", {}) == digitize([one], "pdftext", {})


@pytest.mark.parametrize("rotate", ["", "/Rotate 90"])
def test_a_page_whose_text_runs_upwards_is_read(tmp_path, rotate):
    content = pdf([text_page(*PROSE)]).replace(b"/MediaBox [0 0 400 600]", f"/MediaBox [0 0 600 400] {rotate}".encode())
    for i in range(len(PROSE)):  # the matrix turns the text; line i stands at x = 100 + 12 i
        old, new = f"1 0 0 1 50.0 {550.0 - 12 * i} Tm", f"0 1 -1 0 {100 + 12 * i} 50 Tm"
        assert old.encode() in content
        content = content.replace(old.encode(), new.encode())
    path = tmp_path / "turned.pdf"
    path.write_bytes(content)
    assert read_book(path)[0]["text"] == " ".join(PROSE)


def test_a_stamp_at_the_margin_is_left_out(tmp_path):
    content = pdf([Page([*text_page(*PROSE).texts, (20, 100, 10, "Downloaded by a reader")])])
    content = content.replace(b"1 0 0 1 20 100 Tm", b"0 1 -1 0 20 100 Tm")
    path = tmp_path / "stamp.pdf"
    path.write_bytes(content)
    assert read_book(path)[0]["text"] == " ".join(PROSE)
