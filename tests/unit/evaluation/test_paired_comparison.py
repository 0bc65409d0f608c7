"""Paired comparison of two models: known tests, known values, the right kind of chance."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from megascience.evaluation.paired_comparison import compare_averages, compare_items, holm, item_scores, mcnemar
from megascience.storage.errors import InputError


def test_mcnemar_is_the_sign_test():
    from scipy.stats import binomtest

    for a, b in ((0, 0), (1, 0), (5, 1), (10, 20), (300, 260), (2000, 2100)):
        expected = binomtest(a, a + b).pvalue if a + b else 1.0
        assert mcnemar(a, b) == pytest.approx(expected, rel=1e-9)
        assert mcnemar(a, b) == mcnemar(b, a)


def coded(pattern):
    return item_scores({"item_id": f"i{n}", "item_score": float(c)} for n, c in enumerate(pattern))


def test_two_models_are_compared_item_by_item():
    a, b = coded("1" * 60 + "0" * 40), coded("1" * 30 + "0" * 70)
    found = compare_items(a, b)
    assert (found["n"], found["only_a"], found["only_b"]) == (100, 30, 0)
    assert found["difference"] == pytest.approx(0.3)
    assert found["ci_low"] < 0.3 < found["ci_high"]
    assert found["significant"]
    back = compare_items(b, a)
    assert back["difference"] == -found["difference"]
    assert back["p_value"] == found["p_value"]
    same = compare_items(a, a)
    assert (same["difference"], same["p_value"], same["significant"]) == (0.0, 1.0, False)
    assert compare_items(a, b) == found
    with pytest.raises(InputError, match="no item in common"):
        compare_items(a, {"x": 1.0})


def test_items_of_several_samples_count_by_their_score():
    found = compare_items({"x": 0.5, "y": 1.0}, {"x": 0.25, "y": 0.0, "z": 1.0})
    assert found["n"] == 2
    assert found["difference"] == pytest.approx(0.625)
    assert (found["only_a"], found["only_b"]) == (1, 0)


def test_average_weighs_each_benchmark_the_same():
    large, small = (coded("1" * 80 + "0" * 20), coded("0" * 100)), (coded("00"), coded("11"))
    found = compare_averages([large, small])
    assert found["n"] == 102
    assert found["difference"] == pytest.approx((0.8 - 1.0) / 2)
    assert found["ci_low"] < -0.1 < found["ci_high"]
    assert compare_averages([large, small]) == found
    with pytest.raises(InputError, match="no benchmark"):
        compare_averages([])


def test_sign_flip_counts_what_could_have_been():
    """All sign patterns of the differences, counted out: two benchmarks with three and four items that differ."""
    pairs = [(coded("11100"), coded("00000")), (coded("0111000"), coded("1000000"))]
    differences = [[1, 1, 1], [-1, 1, 1, 1]]
    sizes = [5, 7]

    def statistic(signs):
        first, second = signs[:3], signs[3:]
        parts = ([s * d for s, d in zip(first, differences[0])], [s * d for s, d in zip(second, differences[1])])
        return abs(sum(sum(part) / n for part, n in zip(parts, sizes)))

    observed = statistic([1] * 7)
    patterns = list(itertools.product([-1, 1], repeat=7))
    expected = sum(statistic(signs) >= observed - 1e-12 for signs in patterns) / len(patterns)
    assert compare_averages(pairs)["p_value"] == pytest.approx(expected, abs=0.005)


def test_sign_flip_of_one_benchmark_is_mcnemar():
    a, b = coded("1" * 14 + "0" * 36), coded("0" * 10 + "1" * 2 + "0" * 38)
    assert compare_averages([(a, b)])["p_value"] == pytest.approx(compare_items(a, b)["p_value"], abs=0.005)


def test_holm_against_its_definition():
    # R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_never_helps(p_values):
    adjusted = holm(p_values)
    assert all(p <= q <= 1 for p, q in zip(p_values, adjusted))
