"""Chunks: nothing lost, nothing too long, cut at the best border."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from megascience.ingest.chunk import chunk_books, load_tokenizer, pack, paragraphs_of
from megascience.ingest.pdf.text_repair import is_heading, is_title, is_unit_start
from megascience.storage.errors import InputError
from megascience.storage.parquet import to_table
from owned import SCHEMAS


def words(text):
    """Count as tokens the words and, as many tokenizers do, each run of line ends."""
    return len(re.findall(r"[^\s]+|\n+", text))


def pages(*texts, book_id="b"):
    return [
        {"page_id": f"{book_id}:{n:05d}", "book_id": book_id, "page": n, "text": text}
        for n, text in enumerate(texts, start=1)
    ]


def chunks(rows, limit, count=words):
    return chunk_books(rows, ["b"], "physics", limit, count)[0]


def sentence(n, mark="w"):
    return " ".join(f"{mark}{i}" for i in range(n - 1)) + " end."


# --- laws ----------------------------------------------------------------------------------------------------

_word = st.text(alphabet="abcxyzÄß光0", min_size=1, max_size=7)
_paragraph = st.lists(_word, min_size=1, max_size=40).map(" ".join)
_page = st.lists(_paragraph, max_size=6).map("\n\n".join)
_shelf = st.lists(_page, max_size=8)
_counts = st.sampled_from([words, len, lambda text: len(text.encode()), lambda text: (len(text) + 2) // 3])


@pytest.mark.long
@given(_shelf, st.integers(4, 120), _counts)
@settings(max_examples=150, deadline=None)
def test_no_chunk_is_longer_than_the_limit_and_its_count_is_true(texts, limit, count):
    for chunk in chunks(pages(*texts), limit, count):
        assert chunk["n_tokens"] == count(chunk["text"]) <= limit


@pytest.mark.long
@given(_shelf, st.integers(4, 120))
@settings(max_examples=150, deadline=None)
def test_no_word_is_lost_doubled_or_moved(texts, limit):
    unique = iter(range(10**6))
    marked = [re.sub(r"[^\s]+", lambda match: f"{match[0]}Q{next(unique)}", text) for text in texts]
    rows, drops = chunk_books(pages(*marked), ["b"], "physics", limit, words)
    dropped = {page_id for page_id, drop in drops}
    kept = [text for page, text in zip(pages(*marked), marked, strict=True) if page["page_id"] not in dropped]
    assert "".join("".join(row["text"].split()) for row in rows) == "".join("".join(text.split()) for text in kept)


@given(_shelf, st.integers(4, 120))
@settings(max_examples=150, deadline=None)
def test_page_spans_follow_each_other_and_cover_each_page_with_text(texts, limit):
    rows, drops = chunk_books(pages(*texts), ["b"], "physics", limit, words)
    spans = [(row["page_first"], row["page_last"]) for row in rows]
    assert spans == sorted(spans)
    assert all(first <= last for first, last in spans)
    covered = {n for first, last in spans for n in range(first, last + 1)}
    gone = {int(page_id.split(":")[1]) for page_id, drop in drops if drop.reason == "no_text"}
    assert set(range(1, len(texts) + 1)) - covered <= gone
    for row in rows:
        for number in (row["page_first"], row["page_last"]):
            assert set(row["text"].split()) & set(texts[number - 1].split())


@given(_shelf, st.integers(4, 120))
@settings(max_examples=80, deadline=None)
def test_paragraphs_that_fit_are_whole(texts, limit):
    rows, _ = chunk_books(pages(*texts), ["b"], "physics", limit, words)
    whole = {text for row in rows for text in row["text"].split("\n\n")}
    for paragraph in paragraphs_of([page for page in pages(*texts) if re.search(r"[^\W\d_]{2,}", page["text"])], words):
        if paragraph.tokens <= limit:
            assert paragraph.text in whole


@given(_shelf, st.integers(4, 120))
@settings(max_examples=50, deadline=None)
def test_ids_are_unique_and_the_same_each_time(texts, limit):
    rows = chunks(pages(*texts), limit)
    assert len({row["chunk_id"] for row in rows}) == len(rows)
    assert rows == chunks(list(reversed(pages(*texts))), limit)


# --- borders -------------------------------------------------------------------------------------------------


def test_a_chunk_is_filled_as_far_as_it_goes():
    rows = chunks(pages("\n\n".join(sentence(10, mark) for mark in "abcdef")), 33)
    assert [row["n_tokens"] for row in rows] == [32, 32]


def test_a_chunk_ends_before_a_heading_rather_than_after_it():
    text = [sentence(12, "a"), sentence(12, "b"), "2.1 Standing Waves", sentence(8, "c"), sentence(12, "d")]
    rows = chunks(pages("\n\n".join(text)), 40)
    assert [row["text"].split("\n\n") for row in rows] == [text[:2], text[2:]]


def test_a_heading_that_would_leave_the_chunk_half_empty_is_no_border():
    text = [sentence(5, "a"), "2.1 Standing Waves", sentence(12, "c"), sentence(12, "d"), sentence(12, "e")]
    assert chunks(pages("\n\n".join(text)), 40)[0]["text"].split("\n\n") == text[:4]


def test_a_chunk_does_not_end_with_a_heading():
    text = [sentence(12, "a"), sentence(12, "b"), "Chapter 3 Light", sentence(30, "c")]
    assert chunks(pages("\n\n".join(text)), 33)[0]["text"].split("\n\n") == text[:2]


def test_a_solution_stays_with_its_problem():
    text = [sentence(14, "a"), sentence(14, "b"), "Exercise 1. " + sentence(6, "c"), "Solution. " + sentence(12, "d")]
    rows = chunks(pages("\n\n".join(text)), 44)
    assert [row["text"].split("\n\n") for row in rows] == [text[:2], text[2:]]


def test_an_example_opens_a_chunk_where_no_heading_does():
    text = [sentence(14, "a"), sentence(14, "b"), "Example 2. " + sentence(4, "c"), sentence(4, "d"), sentence(14, "e")]
    assert chunks(pages("\n\n".join(text)), 44)[0]["text"].split("\n\n") == text[:2]


def test_a_long_paragraph_is_cut_at_sentence_ends():
    text = " ".join(sentence(9, mark) for mark in "abcde")
    assert [row["text"] for row in chunks(pages(text), 20)] == [
        " ".join([sentence(9, "a"), sentence(9, "b")]),
        " ".join([sentence(9, "c"), sentence(9, "d")]),
        sentence(9, "e"),
    ]


def test_a_long_sentence_is_cut_between_words_and_a_long_word_inside():
    assert [row["text"] for row in chunks(pages("aa bb cc dd ee"), 2)] == ["aa bb", "cc dd", "ee"]
    assert [row["text"] for row in chunks(pages("abcdefgh"), 3, len)] == ["abc", "def", "gh"]


def test_decimal_points_and_abbreviations_inside_words_are_no_sentence_ends():
    assert chunks(pages("The value 3.14159 holds for e.g.circles of any size"), 6)[0]["text"].endswith("e.g.circles")


@pytest.mark.parametrize(
    ("text", "heading", "title", "unit"),
    [
        ("2.1 Standing Waves", True, False, False),
        ("Chapter 3 Light", True, True, False),
        ("CHAPTER IV. The moon", True, False, False),
        ("# Waves", True, False, False),
        ("Exercises", True, True, False),
        ("Norm and multiplicative inverse", False, True, False),
        ("What is a wave?", False, True, False),
        ("Example 2. A car brakes.", False, False, True),
        ("**Problem 4** Find x.", False, False, True),
        ("12. Find the speed.", False, False, True),
        ("The wave carries energy without carrying matter.", False, False, False),
        ("The value of x = 3", False, False, False),
        ("A wave that goes on and on over the end of the page and does not stop", False, False, False),
        ("and so on", False, False, False),
        ("v = λ f", False, False, False),
        ("Line one\nline two", False, False, False),
    ],
)
def test_what_reads_like_a_heading_or_opens_a_problem(text, heading, title, unit):
    assert (is_heading(text), is_title(text), is_unit_start(text)) == (heading, title, unit)


def test_a_title_without_a_number_is_no_end_of_a_chunk():
    text = [sentence(12, "a"), sentence(12, "b"), "Norm and inverse", sentence(30, "c")]
    assert chunks(pages("\n\n".join(text)), 33)[0]["text"].split("\n\n") == text[:2]


# --- pages ---------------------------------------------------------------------------------------------------


def test_a_paragraph_that_runs_over_a_page_break_is_joined():
    rows = chunks(pages("One.\n\nThe wave carries", "energy without matter.\n\nTwo."), 50)
    assert rows[0]["text"] == "One.\n\nThe wave carries energy without matter.\n\nTwo."
    assert (rows[0]["page_first"], rows[0]["page_last"]) == (1, 2)


def test_a_word_cut_at_a_page_break_is_joined():
    assert chunks(pages("The fre-", "quency is high."), 50)[0]["text"] == "The frequency is high."


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("It ends here.", "and goes on"),
        ("It does not end", "Capital letter"),
        ("It does not end", "12 V is the voltage"),
        ("2.1 Standing Waves", "are waves that stand"),
    ],
)
def test_paragraphs_that_do_not_run_on_stay_apart(before, after):
    assert chunks(pages(before, after), 50)[0]["text"] == f"{before}\n\n{after}"


def test_a_paragraph_does_not_run_over_a_missing_page():
    rows = [page for page in pages("The wave", "", "goes on") if page["text"]]
    assert chunks(rows, 50)[0]["text"] == "The wave\n\ngoes on"


@pytest.mark.parametrize("text", ["", "  \n\n ", "17", "— 4 —\n\n3.2", "a b c"])
def test_a_page_without_words_is_dropped(text):
    rows, drops = chunk_books(pages("Some words here.", text), ["b"], "physics", 50, words)
    assert [row["page_last"] for row in rows] == [1]
    assert [(page_id, drop.reason) for page_id, drop in drops] == [("b:00002", "no_text")]


def test_books_come_in_the_given_order_and_others_are_left_out():
    rows, drops = chunk_books(
        [*pages("Text of c.", book_id="c"), *pages("Text of a.", book_id="a"), *pages("4", book_id="x")],
        ["a", "c", "empty"],
        "biology",
        50,
        words,
    )
    assert [(row["book_id"], row["discipline"], row["text"]) for row in rows] == [
        ("a", "biology", "Text of a."),
        ("c", "biology", "Text of c."),
    ]
    assert drops == []
    assert to_table(rows, SCHEMAS["chunk"]).num_rows == 2


def test_the_same_text_twice_on_one_page_is_kept_once_and_told():
    rows, drops = chunk_books(pages("Same words here.\n\nSame words here."), ["b"], "physics", 3, words)
    assert len(rows) == 1
    assert [(identifier, drop.reason) for identifier, drop in drops] == [(rows[0]["chunk_id"], "repeated_chunk")]


def test_a_book_of_two_disciplines_has_chunks_of_its_own_in_each():
    ids = [chunk_books(pages("Words here."), ["b"], d, 50, words)[0][0]["chunk_id"] for d in ("biology", "medicine")]
    assert ids[0] != ids[1]


def test_pieces_of_a_paragraph_over_three_pages_know_their_pages():
    rows = chunks(pages("one two three", "four five six", "seven eight nine"), 3)
    assert [(row["text"], row["page_first"], row["page_last"]) for row in rows] == [
        ("one two three", 1, 1),
        ("four five six", 2, 2),
        ("seven eight nine", 3, 3),
    ]


def test_a_limit_below_one_is_told():
    with pytest.raises(InputError, match="chunk_tokens is 0"):
        chunk_books([], [], "physics", 0, words)


def test_each_paragraph_is_counted_a_bounded_number_of_times():
    counted = []

    def count(text):
        counted.append(len(text))
        return words(text)

    text = "\n\n".join(sentence(10, f"p{n}_") for n in range(300))
    list(pack(paragraphs_of(pages(text), count), 200, count))
    assert sum(counted) < 4 * len(text)


def test_a_very_long_paragraph_is_cut_in_linear_time():
    counted = []

    def count(text):
        counted.append(len(text))
        return words(text)

    text = " ".join(sentence(10, f"p{n}_") for n in range(1000))
    list(pack(paragraphs_of(pages(text), count), 100, count))
    assert sum(counted) < 60 * len(text)


# --- tokenizers ----------------------------------------------------------------------------------------------


@pytest.fixture
def tokenizer_file(tmp_path):
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["[UNK]", "[BOS]"], show_progress=False)
    tokenizer.train_from_iterator(["the wave carries energy and the wave carries no matter"] * 3, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="[BOS] $A", special_tokens=[("[BOS]", 1)])
    tokenizer.enable_truncation(5)
    tokenizer.enable_padding(length=9)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json"


def test_a_tokenizer_counts_without_special_tokens_truncation_or_padding(tokenizer_file):
    count = load_tokenizer(tokenizer_file)
    assert count("") == 0
    assert count("the wave") == 2
    assert count(" the wave" * 100) == 200
    assert load_tokenizer(tokenizer_file.parent)("the wave") == 2


@given(_shelf, st.integers(12, 80))
@settings(max_examples=25, deadline=None)
def test_the_limit_holds_with_a_real_tokenizer(texts, limit):
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")

    def count(text):
        return len(tokenizer.encode(text).ids)

    assert all(row["n_tokens"] <= limit for row in chunks(pages(*texts), limit, count))


@pytest.mark.parametrize("content", [None, "{}", "not json"])
def test_a_tokenizer_that_is_missing_or_broken_is_told(tmp_path, content):
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=r"tokenizer\.json"):
        load_tokenizer(path)
