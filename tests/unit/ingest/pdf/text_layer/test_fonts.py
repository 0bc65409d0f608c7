"""Characters that PDFium cannot name: by the names of the fonts, by TeX's encodings, or marked as unknown."""

import pytest
from megascience.ingest.pdf.text_layer.fonts import UNKNOWN
from megascience.ingest.pdf.text_layer.glyph_names import glyph_text, private_text
from megascience.ingest.pdf.text_layer.read import read_book
from minipdf import Bitmaps, Differences, Page, pdf, text_page


def texts(tmp_path, pages, fonts):
    path = tmp_path / "book.pdf"
    path.write_bytes(pdf(pages, fonts=fonts))
    return [page["text"] for page in read_book(path)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ffi", "ffi"),
        ("f_f_i", "ffi"),
        ("lessmuch", "≪"),
        ("greatermuch", "≫"),
        ("star", "⋆"),
        ("endash", "–"),
        ("oneoldstyle", "1"),
        ("zero.oldstyle", "0"),
        ("summationdisplay", "∑"),
        ("parenleftBigg", "("),
        ("uni2265", "≥"),
        ("u1D465", "\U0001d465"),
        ("a.sc", "a"),
        ("a47", None),
        ("g12", None),
        ("uniE001", None),
    ],
)
def test_names_of_glyphs(name, text):
    assert glyph_text(name) == text


def test_private_characters_of_adobe_and_of_the_font_symbol():
    assert [private_text(code) for code in (0xF731, 0xF8EB, 0xF061, 0xF0B3, 0xE000)] == ["1", "⎛", "α", "≥", None]


def test_names_in_an_encoding_that_pdfium_does_not_know(tmp_path):
    names = {1: "lessmuch", 2: "star", 3: "oneoldstyle", 4: "ffi", 5: "endash", 6: "nobody_knows"}
    page = Page([(50, 500, 10, "m/v \x01 1, f \x02 g, e\x04cient, 19\x03, 1914\x051918, x\x06y", "X")])
    (text,) = texts(tmp_path, [page], {"X": Differences(names)})
    assert text == f"m/v ≪ 1, f ⋆ g, efficient, 191, 1914–1918, x{UNKNOWN}y"


def test_two_fonts_with_one_name_keep_their_own_encodings(tmp_path):
    fonts = {"X": Differences({1: "lessmuch"}), "Y": Differences({1: "greatermuch"})}
    page = Page([(50, 500, 10, "a \x01 b", "X"), (50, 480, 10, "c \x01 d", "Y")])
    assert texts(tmp_path, [page], fonts)[0].split() == ["a", "≪", "b", "c", "≫", "d"]


LETTERS = {code: chr(code) for code in range(97, 123)}


def test_a_bitmap_font_with_names(tmp_path):
    fonts = {"X": Bitmaps({**LETTERS, 28: "lessmuch", 32: "space"})}
    (text,) = texts(tmp_path, [Page([(50, 500, 10, "m \x1c v", "X")])], fonts)
    assert text == "m ≪ v"


def bitmap_names(*codes):
    return {code: f"a{code}" for code in codes}


def test_ligatures_of_a_bitmap_font_that_has_only_codes(tmp_path):
    fonts = {"X": Bitmaps(bitmap_names(*LETTERS, 12, 14, 32, 123))}
    (text,) = texts(tmp_path, [Page([(50, 500, 10, "the de\x0cned e\x0eciency of war \x7b peace", "X")])], fonts)
    assert text == "the defined efficiency of war – peace"


def test_a_sign_of_a_bitmap_font_that_has_only_codes_is_marked(tmp_path):
    fonts = {"X": Bitmaps(bitmap_names(*LETTERS, 28, 32))}
    (text,) = texts(tmp_path, [Page([(50, 500, 10, "the layer where mass \x1c volume holds", "X")])], fonts)
    assert text == f"the layer where mass {UNKNOWN} volume holds"


@pytest.mark.parametrize("scale", [0.25, 1.0, 20.0])
def test_the_size_of_a_bitmap_font_comes_from_its_letters(tmp_path, scale):
    lines = [
        "the speed of a wave depends on the medium",
        "and on nothing else that we have seen so",
        "far in this book",
    ]
    fonts = {"X": Bitmaps({**LETTERS, 32: "space"}, scale=scale)}
    page = Page()
    for i, line in enumerate(lines):
        x = 50.0
        for word in line.split():  # TeX sets words, not spaces
            page.texts = [*page.texts, (x, 500 - 12 * i, 10 / scale, word, "X")]
            x += 5 * len(word) + 3.3
    (text,) = texts(tmp_path, [page], fonts)
    assert text.split() == " ".join(lines).split()
    assert "\n\n" not in text


def test_text_that_needs_no_names_is_read_without_them(tmp_path, monkeypatch):
    from megascience.ingest.pdf.text_layer.fonts import Fonts

    monkeypatch.setattr(Fonts, "encoding", lambda *_: pytest.fail("the fonts were read"))
    path = tmp_path / "plain.pdf"
    path.write_bytes(pdf([text_page("Plain text.")]))
    assert read_book(path)[0]["text"] == "Plain text."
