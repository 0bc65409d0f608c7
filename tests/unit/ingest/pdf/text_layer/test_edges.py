"""Running heads and feet of more than one line, of two sides, and with the number of pages."""

import pytest
from megascience.ingest.pdf.text_layer.edges import strip_running
from megascience.ingest.pdf.text_layer.lines import Line

LEADING = 12.0


def row(text, y, size=10.0, bold=False):
    return Line(text, 50, 50 + 5 * len(text), y, y + 7, y, size, bold)


def page(number, heads=(), feet=(), size=9.0):
    body = [
        row(f"Line {i} of page {number} is about topic {7 * number + i} and so on.", 500 - LEADING * i)
        for i in range(20)
    ]
    top = [row(text, 560 - LEADING * i, size) for i, text in enumerate(heads)]
    bottom = [row(text, 60 - LEADING * i, size) for i, text in enumerate(feet)]
    return [*top, *body, *bottom]


def left(pages):
    return [[line.text for line in body if not line.text.startswith("Line")] for body in strip_running(pages)]


def test_a_head_of_two_lines_goes():
    assert left([page(i, ["University Press", "Spring Term"], size=10.0) for i in range(6)]) == [[]] * 6


@pytest.mark.parametrize("foot", ["Page {} of 8", "{} / 8", "- {} -", "Seite {} von 8", "Notes, page {} of 8"])
def test_page_numbers_with_the_number_of_pages_go(foot):
    assert left([page(i, feet=[foot.format(i + 1)]) for i in range(8)]) == [[]] * 8


def test_heads_that_differ_on_left_and_right_pages_go():
    heads = [["A Course of Mechanics"] if i % 2 else ["Waves and Strings"] for i in range(8)]
    assert left([page(i, head) for i, head in enumerate(heads)]) == [[]] * 8


def test_a_head_that_changes_with_each_section_goes_where_others_stand():
    sections = iter(["Sound", "Light", "Water", "Strings"])
    heads = [["A Course of Mechanics"] if i % 2 else [next(sections)] for i in range(8)]
    assert left([page(i, head) for i, head in enumerate(heads)]) == [[]] * 8


def test_a_heading_that_stands_where_heads_do_but_is_set_as_the_text_stays():
    heads = [["A Course of Mechanics"] if i != 4 else [] for i in range(8)]
    pages = [page(i, head) for i, head in enumerate(heads)]
    pages[4].insert(0, row("A result that stands first", 560, 10.0))
    assert left(pages)[4] == ["A result that stands first"]


def test_results_that_look_like_page_numbers_stay():
    feet = ["3 of 8", "3 of 7", "1 of 2", "9 of 10"]
    assert left([page(i, feet=[foot], size=10.0) for i, foot in enumerate(feet)]) == [[foot] for foot in feet]
