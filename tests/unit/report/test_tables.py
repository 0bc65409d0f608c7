"""Tables: the table object and its writers, scores with averages and intervals, costs."""

import csv
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from megascience.report.tables.cost import cost_table
from megascience.report.tables.scores import Score, average, read_scores, score_table, with_averages
from megascience.storage.errors import InputError
from megascience.storage.tables import (
    latex,
    markdown,
    markdown_text,
    plain,
    read_tsv,
    table_of,
    tsv,
    write_table,
)

REGISTRY = {
    "mmlu": {"group": "general", "in_average": False},
    "gpqa": {"group": "general", "in_average": True},
    "medqa": {"group": "specific", "in_average": True},
    "piqa": {"group": "specific"},
    "gsm8k": {"group": "math", "in_average": True},
}

# Qwen2.5-7B-Instruct in the paper's Table 6.
PAPER = {
    "general": {"mmlu_pro": 56.23, "gpqa_d": 31.31, "supergpqa": 28.78, "scibench": 42.97, "olympicarena": 36.42},
    "specific": {
        "chembench": 51.90,
        "cs_bench": 69.51,
        "medqa": 54.28,
        "medmcqa": 55.87,
        "pubmedqa": 73.60,
        "piqa": 86.67,
    },
    "math": {"gsm8k": 91.96, "math": 74.90, "math500": 68.80},
}


def summary(accuracy: float, n: int = 100, **more: float) -> dict[str, float]:
    low, high = max(0.0, accuracy - 0.1), min(1.0, accuracy + 0.1)
    return {"n": n, "correct": round(accuracy * n), "score": accuracy, "ci_low": low, "ci_high": high, **more}


def accuracies(scores: dict[str, dict], registry: dict) -> dict[str, dict[str, float]]:
    """Return model -> column -> accuracy in percent."""
    _, table = with_averages(scores, registry)
    return {model: {c: 100 * score.value for c, score in row.items()} for model, row in table.items()}


def test_averages_are_those_of_the_paper() -> None:
    registry = {name: {"group": group} for group, scores in PAPER.items() for name in scores}
    scores = {"instruct": {n: summary(v / 100) for group in PAPER.values() for n, v in group.items()}}
    row = accuracies(scores, registry)["instruct"]
    assert row["All"] == pytest.approx(58.80, abs=0.005)
    assert row["General"] == pytest.approx(39.142)
    assert row["Math"] == pytest.approx(78.553, abs=0.001)


def test_averages_of_what_was_evaluated() -> None:
    scores = {
        "base": {"mmlu": summary(0.9), "gpqa": summary(0.25), "medqa": summary(0.5), "piqa": summary(0.7)},
        "tuned": {"gpqa": summary(0.35), "medqa": summary(0.6)},
    }
    columns, _ = with_averages(scores, REGISTRY)
    assert columns == ["mmlu", "gpqa", "medqa", "piqa", "General", "Specific", "All"]
    rows = accuracies(scores, REGISTRY)
    assert rows["base"]["General"] == pytest.approx(25)  # mmlu stands outside the averages
    assert rows["base"]["Specific"] == pytest.approx(60)
    assert rows["base"]["All"] == pytest.approx(100 * (0.25 + 0.5 + 0.7) / 3)
    assert rows["tuned"]["General"] == pytest.approx(35)
    # without piqa its average would not be comparable
    assert rows["tuned"].keys() == {"gpqa", "medqa", "General"}


def test_intervals_of_one_benchmark_and_of_an_average() -> None:
    scores = {"base": {"medqa": summary(0.5, unreadable=3), "piqa": summary(0.7)}}
    rows = {row[1]: row for row in score_table(scores, REGISTRY).to_numpy().tolist()}
    assert rows["medqa"][3:6] == pytest.approx([50, 40, 60])
    assert rows["medqa"][6:9] == [100, 50, 3]
    half = 100 * math.sqrt(2 * 0.1**2) / 2
    assert rows["Specific"][3:6] == pytest.approx([60, 60 - half, 60 + half])
    assert rows["Specific"][6] is None


@given(st.lists(st.tuples(*[st.floats(0, 1)] * 3), min_size=1, max_size=15))
def test_average_lies_in_its_interval(values: list[tuple[float, float, float]]) -> None:
    parts = [Score(middle, low, high) for low, middle, high in map(sorted, values)]
    mean = average(parts)
    assert 0 <= mean.low <= mean.value <= mean.high <= 1
    assert mean.high - mean.low <= max(p.high - p.low for p in parts) + 1e-9


def test_unknown_benchmark_is_refused() -> None:
    with pytest.raises(InputError, match="'arena' was evaluated but is not in the registry"):
        with_averages({"base": {"arena": summary(0.5)}}, REGISTRY)


@pytest.mark.parametrize("content", ["{", "[1]", '{"n": 3}', '{"n": "3"}'])
def test_faulty_summary_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "base" / "gpqa.json"
    file.parent.mkdir()
    file.write_text(content)
    with pytest.raises(InputError, match=r"base/gpqa\.json"):
        read_scores([file])


NASTY = 'a|b <script>alert(1)</script> & "c"\twith\na_new *line* [x](y) `z` \\ 100 % $q$ #'


def test_cells_break_no_format(tmp_path: Path) -> None:
    table = table_of(("na|me", "n"), [(NASTY, 1.5), ("", None)], {"n": 2}, "50 % of $x_1$")
    assert read_tsv_text(tsv(table)) == [[" ".join(NASTY.split()), "1.50"], ["", ""]]
    text = markdown(table)
    assert len(text.splitlines()) == 6
    assert text.endswith("\n\n50 % of \\$x\\_1\\$\n")
    assert "<script>" not in text
    assert all(unescaped_bars(line) == 3 for line in text.splitlines()[:4])
    assert r"100 \%" in latex(table)
    assert r"\caption{50 \% of \$x\_1\$}" in latex(table)
    assert r"\begin{tabular}{ll}" in latex(table_of(("a", "b"), []))
    assert "resizebox" not in latex(table_of(("a", "b"), [("x" * 20, 1)]))
    wide = latex(table_of(("a", "b"), [("x" * 60, "y" * 60)]))
    assert r"\resizebox{\textwidth}{!}{%" in wide and "\\end{tabular}}\n" in wide
    with pytest.raises(ValueError, match="not as '.docx'"):
        write_table(table, tmp_path / "x.docx")
    for short in ([(1,)], [(1, 2), (1,)]):
        with pytest.raises(ValueError, match="1 cells in a table of 2"):
            table_of(("a", "b"), short)


@pytest.mark.parametrize("sign", "=+-@")
def test_no_cell_is_a_formula_of_a_spreadsheet(sign: str, tmp_path: Path) -> None:
    given = [f"{sign}1+cmd|' /C calc'!A0", f"'{sign}x", "'quoted'", f"a{sign}b", sign]
    write_table(table_of(("text", "number"), [(text, -1.5) for text in given]), tmp_path / "t.tsv")
    cells = read_tsv_text((tmp_path / "t.tsv").read_text())
    assert not any(text.startswith(sign) for text, _ in cells)
    assert {number for _, number in cells} == {"-1.5"}  # a number is not text
    back = read_tsv(tmp_path / "t.tsv", {"number": float})
    assert (list(back["text"]), list(back["number"])) == (given, [-1.5] * 5)


def test_control_characters_are_shown(tmp_path: Path) -> None:
    table = table_of(("a", "b"), [("\x1b[2J\u202eevil\x00", 1)])
    for text in (tsv(table), markdown(table), latex(table), plain(table)):
        assert not {"\x1b", "\u202e", "\x00"} & set(text)
    assert r"\x1b[2J\u202eevil\x00" in tsv(table)


def test_no_text_changes_its_type(tmp_path: Path) -> None:
    given = ["007", "1e5", "nan", "NA", "", "True", "1.0", "9007199254740993"]
    write_table(table_of(("id", "n"), [(text, 9007199254740993) for text in given]), tmp_path / "t.tsv")
    back = read_tsv(tmp_path / "t.tsv", {"n": int})
    assert list(back["id"]) == given
    assert set(back["n"]) == {9007199254740993}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "No columns"),
        ("id\tm\na\t1\n", "'n' is missing"),
        ("id\tn\na\t\n", "invalid literal|could not convert"),
        ("id\tn\na\tmany\n", "many"),
        ("id\tn\na\t1.5\n", "1.5"),
        ("id\tn\na\n", "invalid literal|could not convert"),
        ("id\tn\na\t1\t2\n", "longer than the header"),
        ("id\tn\na\t1\na\t1\t2\n", "Expected 2 fields in line 3"),
    ],
)
def test_a_faulty_table_is_named(content: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text(content)
    with pytest.raises(InputError, match=rf"t\.tsv: cannot be read as a table: .*({fault}).*run again"):
        read_tsv(tmp_path / "t.tsv", {"id": str, "n": int})


def read_tsv_text(text: str) -> list[list[str]]:
    return list(csv.reader(text.splitlines(), "excel-tab", quoting=csv.QUOTE_NONE))[1:]


def unescaped_bars(line: str) -> int:
    return sum(c == "|" and line[:i][-1:] != "\\" for i, c in enumerate(line))


@given(st.text())
def test_markdown_text_holds_no_html_and_no_line_break(text: str) -> None:
    escaped = markdown_text(text)
    assert "<" not in escaped
    assert ">" not in escaped
    assert len(escaped.splitlines()) <= 1


def cost_file(folder: Path, name: str, **values: object) -> Path:
    cost = {
        "stage": "refine",
        "model": "big",
        "requests": 10,
        "retried": 1,
        "prompt_tokens": 3_000_000,
        "cached_tokens": 1_000_000,
        "completion_tokens": 500_000,
        "wall_seconds": 1000.0,
        "startup_seconds": 80.0,
        **values,
    }
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(cost))
    return file


def test_cost_by_stage_and_model(tmp_path: Path) -> None:
    files = [
        cost_file(tmp_path, "evaluate/m.json", stage="evaluate", model="small", wall_seconds=0.0),
        cost_file(tmp_path, "refine/1.json", gpus=4),
        cost_file(tmp_path, "refine/0.json", gpus=4),
        cost_file(tmp_path, "extract/0.json", stage="extract", model="small", gpus=2),
    ]
    prices = {"big": {"prompt_per_million": 0.5, "completion_per_million": 2.0, "gpu_hour": 1.5}}
    table = cost_table(files, prices)
    rows = table.to_dict("records")
    assert [(row["stage"], row["model"]) for row in rows] == [
        ("extract", "small"),
        ("refine", "big"),
        ("evaluate", "small"),
        ("all", None),
    ]
    refine = rows[1]
    assert (refine["jobs"], refine["requests"], refine["prompt_tokens"]) == (2, 20, 6_000_000)
    assert refine["tokens_per_second"] == pytest.approx(500)
    assert refine["gpu_hours"] == pytest.approx(2 * 1080 * 4 / 3600)
    assert refine["money"] == pytest.approx(6 * 0.5 + 1 * 2 + 2.4 * 1.5)
    assert rows[0]["money"] is None
    assert rows[2]["gpu_hours"] == 0
    assert rows[2]["tokens_per_second"] is None
    assert rows[3]["requests"] == 40
    assert rows[3]["money"] is None  # one model has no price: a sum would look complete
    paid = cost_table(files[1:3], prices)
    assert paid["money"].iloc[-1] == pytest.approx(8.6)
    assert cost_table([], prices).empty


def test_faulty_cost_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"0\.json: 'requests' is missing"):
        cost_table([cost_file(tmp_path, "0.json", requests=None)], {})
