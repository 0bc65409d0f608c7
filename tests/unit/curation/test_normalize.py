"""Normalisation: what two texts may differ in and still be the same tokens, and what must not be lost."""

import re
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from megascience.curation.normalize import LOOKS, SYNONYMS, fold_unicode, shingle_hashes


def sets(texts, size):
    hashes, offsets = shingle_hashes(pa.array(texts, pa.string()), size)
    return [frozenset(hashes[a:b].tolist()) for a, b in pairwise(offsets)]


def reference_tokens(text):
    """The rules of text.py once more, in plain regular expressions."""
    found = []
    pattern = r"\\[A-Za-z]+|\\%|\\[\x00-\x7f]|[<>]=|[A-Za-z\x80-\U0010ffff]+|[0-9]+|[-+/=<>^%]"
    text = fold_unicode(text)
    for match in re.finditer(pattern, text, re.DOTALL):
        token = match[0]
        if token in ("-", "/"):
            before, after = text[: match.start()][-1:], text[match.end() :][:1]
            if re.match(r"[A-Za-z\x80-\U0010ffff]", before) and re.match(r"[A-Za-z\x80-\U0010ffff]", after):
                continue
        if token in ("<=", ">="):
            token = {"<": "le", ">": "ge"}[token[0]]
        elif token == "\\%":
            token = "%"
        elif re.match(r"\\[A-Za-z]", token):
            token = token[1:].lower()
            if token in LOOKS:
                continue
            token = SYNONYMS.get(token, token)
        elif token[0] == "\\":
            continue
        found.append(token.lower() if token.isascii() else token)
    return found


def reference_shingles(text, size):
    tokens = reference_tokens(text)
    if not tokens:
        return frozenset()
    width = min(size, len(tokens))
    return frozenset(tuple(tokens[i : i + width]) for i in range(len(tokens) - width + 1))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is the mass?", "what is  the\nMASS"),
        ("$x^{2} + 3$", "x² + 3"),
        (r"$\mathrm{H}_2\mathrm{O}$", "H₂O"),
        ("H_2O", "H2O"),
        ("a 5 kg block", "a 5kg block"),
        (r"\alpha \leq \beta", "α ≤ β"),
        (r"x \leq 3", "x <= 3"),
        (r"\dfrac{1}{2}", r"\frac{1}{2}"),
        (r"\left( a \right)", "(a)"),
        (r"10^{-3}\,\mathrm{m}", "10⁻³ m"),
        ("ﬁnd the ﬂux", "find the flux"),
        ("Ｆｕｌｌ ｗｉｄｔｈ", "full width"),
        ("“quoted” — text…", '"quoted" text'),
        ("well-known", "well known"),
        ("**bold** _word_", "bold word"),
        ("Δλ", r"\Delta \lambda"),
        (r"5\%", "5%"),
        (r"\élan", "élan"),
        ("1939–1945", "1939-1945"),
        ("𝛼 decay", "α decay"),
        ("E = mc²", "$E=mc^2$"),
    ],
)
def test_same_tokens(one, other):
    first, second = sets([one, other], 2)
    assert first == second
    assert first


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("7 - 3", "7 + 3"),
        ("x < 3", "x > 3"),
        ("x < 3", "x <= 3"),
        ("5%", "5"),
        ("3.5", "35"),
        ("not true", "true"),
        ("x^2", "x 2"),
        ("日本の首都", "日本の首相"),
        ("naïve", "nave"),
        (r"\sin x", r"\cos x"),
        ("α", "β"),
    ],
)
def test_different_tokens(one, other):
    first, second = sets([one, other], 2)
    assert first != second


@pytest.mark.parametrize("text", ["", "   ", "???", "$$", r"\left\right", r"\\", "\\", None, "…—“”"])
def test_no_token_is_left(text):
    assert sets([text], 3) == [frozenset()]


def test_unspaced_scripts_are_split_and_greek_words_are_not():
    assert [len(s) for s in sets(["日本の首都", "τρία είναι αυτό", "한국어 문장"], 1)] == [5, 3, 2]


def test_short_text_is_one_shingle_that_is_no_part_of_a_longer_one():
    one, two, three = sets(["cell", "cell wall", "cell wall plant"], 3)
    assert [len(one), len(two), len(three)] == [1, 1, 1]
    assert not one & two and not two & three


def test_shingles_are_sorted_distinct_and_fixed():
    hashes, offsets = shingle_hashes(pa.array(["a b a b a b", "b a"]), 2)
    assert offsets.tolist() == [0, 2, 3]
    assert hashes.dtype == np.uint64
    assert (np.diff(hashes[:2].astype(object)) > 0).all()
    # The value itself: sketches of one version must join those of another machine.
    assert shingle_hashes(pa.array(["The quick brown fox"]), 3)[0].tolist() == FOX


FOX = [2598294469093923859, 8643040538882444303]


def test_slices_chunks_and_nulls_keep_their_places():
    whole = ["one two three", None, "α β γ", "four five six", ""]
    expected = sets(whole, 2)
    chunked = pa.chunked_array([whole[:2], whole[2:]], pa.string())
    hashes, offsets = shingle_hashes(chunked, 2)
    assert [frozenset(hashes[a:b].tolist()) for a, b in pairwise(offsets)] == expected
    sliced = pa.array(["dropped", *whole, "dropped"], pa.string()).slice(1, len(whole))
    hashes, offsets = shingle_hashes(sliced, 2)
    assert [frozenset(hashes[a:b].tolist()) for a, b in pairwise(offsets)] == expected
    hashes, offsets = shingle_hashes(pa.array([], pa.string()), 2)
    assert (len(hashes), offsets.tolist()) == (0, [0])


ALPHABET = st.text(
    st.one_of(st.sampled_from("ab Z019 -+/=<>^%\\{}$_.,\n²₃αΔ≤–ﬁ日é"), st.characters(exclude_categories=["Cs"])),
    max_size=40,
)


@given(
    st.lists(ALPHABET | st.sampled_from([rf"\{w} x" for w in (*LOOKS, *SYNONYMS, "sin")]), max_size=6),
    st.integers(1, 4),
)
def test_shingles_agree_with_the_reference(texts, size):
    own, reference = sets(texts, size), [reference_shingles(t, size) for t in texts]
    assert [len(s) for s in own] == [len(s) for s in reference]
    for i in range(len(texts)):
        for j in range(i):
            assert len(own[i] & own[j]) == len(reference[i] & reference[j])


@given(ALPHABET)
def test_folding_twice_changes_nothing(text):
    once = fold_unicode(text)
    assert fold_unicode(once).split() == once.split()
