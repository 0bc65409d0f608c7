"""What tesseract says of its words: text with paragraphs, and how sure it is."""

import pytest
from megascience.ingest.pdf import tesseract
from minipdf import pdf, text_page

HEAD = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext"


def table(*words):
    rows = [
        f"5\t1\t{block}\t{paragraph}\t{line}\t1\t0\t0\t9\t9\t{sure}\t{text}"
        for block, paragraph, line, sure, text in words
    ]
    return "\n".join([HEAD, "1\t1\t0\t0\t0\t0\t0\t0\t9\t9\t-1\t", *rows, ""])


def test_words_become_lines_and_paragraphs():
    words = [
        (1, 1, 1, 90, "A"),
        (1, 1, 1, 90, "wave"),
        (1, 1, 2, 90, "moves."),
        (1, 2, 1, 90, "Next."),
        (2, 1, 1, 90, "End"),
    ]
    assert tesseract._words(table(*words))[0] == "A wave\nmoves.\n\nNext.\n\nEnd"


def test_confidence_is_a_mean_over_characters():
    assert tesseract._words(table((1, 1, 1, 90, "nine"), (1, 1, 1, 30, "ab")))[1] == pytest.approx(70)
    assert tesseract._words(HEAD) == ("", 0.0)


@pytest.mark.parametrize(("sure", "text", "error"), [(87.0, "A wave.", ""), (27.0, "", "tesseract is 27 % sure")])
def test_noise_is_a_failed_page(tmp_path, monkeypatch, sure, text, error):
    path = tmp_path / "scan.pdf"
    path.write_bytes(pdf([text_page("A wave.")]))
    monkeypatch.setattr(tesseract, "_recognized", lambda *_: ("A wave.", sure))
    (page,) = tesseract.read_book(path, "eng", 100, 10)
    assert page["text"] == text
    assert page["error"].startswith(error)
    assert bool(page["error"]) == bool(error)
