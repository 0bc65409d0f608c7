"""Tables become Markdown where rules or alignment show one; what only looks alike stays text."""

import textwrap

import pytest
from megascience.ingest.pdf.text_layer.read import read_book
from megascience.ingest.pdf.text_layer.tables import markdown
from minipdf import Page, pdf

HEAD = ("Planet", "Mass", "Moons")
ROWS = [("Earth", "5.97", "1"), ("Mars", "0.642", "2"), ("Jupiter", "1,898", "95"), ("Saturn", "568", "146")]
TABLE = """| Planet | Mass | Moons |
| --- | --- | --- |
| Earth | 5.97 | 1 |
| Mars | 0.642 | 2 |
| Jupiter | 1,898 | 95 |
| Saturn | 568 | 146 |"""
COLUMNS = (60, 160, 240)


def text_of(tmp_path, *pages):
    path = tmp_path / "book.pdf"
    path.write_bytes(pdf(pages))
    return "\n\n".join(page["text"] for page in read_book(path))


def grid(rows, top=500, columns=COLUMNS, leading=12):
    return [
        (x, top - leading * i, 10, text)
        for i, row in enumerate(rows)
        for x, text in zip(columns, row, strict=False)
        if text
    ]


def test_aligned_rows_of_numbers_are_a_table(tmp_path):
    before, after = (50, 540, 10, "The planets have these masses and moons."), (50, 420, 10, "So much for the planets.")
    text = text_of(tmp_path, Page([before, *grid([HEAD, *ROWS]), after]))
    assert text.split("\n\n") == [before[3], TABLE, after[3]]


def test_ruled_rows_of_words_are_a_table(tmp_path):
    rows = [("Rock", "Origin"), ("Granite", "cooled deep below the ground"), ("Chalk", "shells of plankton")]
    bars = [(55, 330, y) for y in (511, 497, 470)]
    assert text_of(tmp_path, Page(grid(rows), bars=bars)) == markdown(rows)


def test_a_cell_of_two_lines_is_one_cell(tmp_path):
    words = [(60, 500, 10, "Rock"), (160, 500, 10, "Origin"), (240, 500, 10, "Age"), (60, 478, 10, "Granite")]
    words += [(160, 484, 10, "cooled deep"), (160, 473, 10, "below the ground"), (240, 478, 10, "3.1")]
    words += [(60, 456, 10, "Chalk"), (160, 456, 10, "plankton"), (240, 456, 10, "0.1")]
    bars = [(55, 330, y) for y in (512, 495, 467, 450)]
    assert "| Granite | cooled deep below the ground | 3.1 |" in text_of(tmp_path, Page(words, bars=bars))


def test_numbers_of_two_rows_are_never_joined(tmp_path):
    bars = [(55, 290, y) for y in (512, 497, 473, 449)]  # a rule after each second row
    assert text_of(tmp_path, Page(grid([HEAD, *ROWS]), bars=bars)) == TABLE


def test_a_head_over_two_columns_stands_over_both(tmp_path):
    rows = [("Planet", "Mass", "Moons"), *ROWS]
    words = [(165, 512, 10, "In our own counting"), *grid(rows)]
    text = text_of(tmp_path, Page(words, bars=[(55, 290, y) for y in (524, 497, 458)]))
    assert text.split("\n")[0] == "|  | In our own counting | In our own counting |"


def test_the_sign_of_a_currency_joins_its_number(tmp_path):
    rows = [
        ("Costs", "", "2024", "", "2023"),
        *((f"Part {c}", "$", f"{i}78", "$", f"{i}41") for i, c in enumerate("ABCDEF", 1)),
    ]
    text = text_of(tmp_path, Page(grid(rows, columns=(60, 160, 180, 240, 260))))
    assert "| Part A | $178 | $141 |" in text


def test_a_bar_in_a_cell_is_escaped():
    assert markdown([("a", "b"), ("x|y", "z")]).split("\n")[2] == "| x\\|y | z |"


def test_a_table_beside_prose_of_another_column(tmp_path):
    prose = textwrap.wrap("The planets go round the sun in the same direction and nearly in one plane. " * 6, 34)
    left = [(30, 540 - 12 * i, 10, line) for i, line in enumerate(prose)]
    right = grid([HEAD, *ROWS], columns=(230, 290, 350), top=516)
    text = text_of(tmp_path, Page([*left, *right], bars=[(225, 390, y) for y in (528, 513, 464)]))
    assert TABLE in text
    assert " ".join(prose[:5]) in text.replace("\n", " ")


LEFT = ["alpha beta gamma delta epsilon", "zeta eta theta iota kappa mu", "nu xi omicron pi rho sigma tau"] * 3


@pytest.mark.parametrize(
    "rows",
    [
        [(a, b) for a, b in zip(LEFT, LEFT[1:], strict=False)],
        [("1 Waves", "5"), ("2 Sound", "17"), ("3 Light", "29"), ("4 Heat", "40")],
        [("x = 1 + y", "(1.1)"), ("y = 2 + z", "(1.2)"), ("z = 3", "(1.3)")],
        [("E =", "m", "= p"), ("F =", "n", "= q"), ("G =", "k", "= r")],
        [("energy, kinetic, 31", "mass, inertial, 40", "speed of light, 77")] * 6,
    ],
    ids=["columns of prose", "contents", "numbered equations", "equations", "index"],
)
def test_what_is_no_table_stays_text(tmp_path, rows):
    columns = (
        (60, 160, 240)
        if len(rows[0][0]) < 15
        else (30, 210, 300)[: len(rows[0])]
        if len(rows[0]) == 2
        else (20, 150, 280)
    )
    assert "| ---" not in text_of(tmp_path, Page(grid(rows, columns=columns)))
