"""The example shelf: it compiles, its numbers are right, and what is planted in it is really there."""

import csv
import json
import math
import re
import runpy
from pathlib import Path

import pypdfium2
import pytest
from megascience.ingest.typeset import typeset

EXAMPLES = Path(__file__).parents[3] / "examples"
SHELF = list(csv.DictReader((EXAMPLES / "books.tsv").open(newline=""), delimiter="\t"))
BOOKS = [row["book_id"] for row in SHELF]
COURSES = [row for row in SHELF if row["disciplines"]]
DISCIPLINES = {"physics", "biology", "chemistry", "medicine", "computer_science", "mathematics", "economics"}
LETTERS = "ABCDEFGHIJ"

# (book, exercise) twice: nearly the same question.
NEAR_DUPLICATES = [(("mechanics", 1), ("calculus", 1)), (("calculus", 5), ("physiology", 5))]
# (book, exercise, what it calls for): the figure is nowhere.
MISSING_FIGURES = [("mechanics", 2, "Figure 1.3"), ("microeconomics", 2, "Figure 2.4")]
# (book, exercise, the whole answer): a bare result.
BARE_ANSWERS = [
    ("chemical_equilibrium", 3, "17.1 kJ/mol."),
    ("algorithms", 2, "Θ(n²)."),
    ("calculus", 4, "12."),
    ("genetics", 4, "20%."),
    ("physiology", 4, "0 mL/min."),
]
# (book, exercise, benchmark file, row, its question's field, the answer that both share)
PARAPHRASES = [
    ("mechanics", 3, "scibench.json", 0, "problem_text", "650"),
    ("genetics", 1, "mmlu.jsonl", 0, "question", "2/3"),
    ("physiology", 1, "medmcqa.json", 0, "question", "16"),
    ("algorithms", 1, "cs_bench_multiple_choice.json", 0, "Question", "9"),
    ("microeconomics", 3, "mmlu_pro.jsonl", 0, "question", "36"),
    ("chemical_equilibrium", 4, "chembench.jsonl", 0, "examples", "4.92"),
    ("calculus", 2, "math.jsonl", 0, "problem", "6"),
]


@pytest.fixture(scope="module")
def pdfs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("books")
    for book in BOOKS:
        typeset(EXAMPLES / "books" / f"{book}.typ", folder / f"{book}.pdf")
    return folder


@pytest.fixture(scope="module")
def pages(pdfs):
    """The text layer: book -> list of pages."""
    texts = {}
    for book in BOOKS:
        with pypdfium2.PdfDocument(pdfs / f"{book}.pdf") as pdf:
            texts[book] = [page.get_textpage().get_text_bounded() for page in pdf]
    return texts


@pytest.fixture(scope="module")
def texts(pages):
    """Book -> its text on one line, without the running heads."""
    flowing = {}
    for row in SHELF:
        head = rf"\A(\d+ {re.escape(row['title'])}|(?!CHAPTER )[A-Z][a-z ]+ \d+)\s*\n"
        body = [re.sub(head, "", page) for page in pages[row["book_id"]]]
        flowing[row["book_id"]] = " ".join(" ".join(body).split())
    return flowing


@pytest.fixture(scope="module")
def exercises(texts):
    """(book, number) -> (question, kind, answer)."""
    pattern = r"Exercise (\d+)\. (.*?) (Solution|Answer)\. (.*?)(?= Exercise \d+\. | Example \d+\. | CHAPTER |$)"
    found = {}
    for book, text in texts.items():
        for number, question, kind, answer in re.findall(pattern, text):
            found[book, int(number)] = (question, kind, answer)
    return found


def shingles(text: str, size: int = 3) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + size]) for i in range(len(words) - size + 1)}


def jaccard(a: str, b: str) -> float:
    first, second = shingles(a), shingles(b)
    return len(first & second) / len(first | second)


def rows(name: str) -> list[dict]:
    text = (EXAMPLES / "benchmarks" / name).read_text()
    return [json.loads(line) for line in text.splitlines()] if name.endswith(".jsonl") else json.loads(text)


# The shelf


def test_shelf_lists_every_source_once():
    assert list(SHELF[0]) == ["book_id", "disciplines", "title", "path", "sha256", "licence", "level"]
    sources = {path.stem for path in (EXAMPLES / "books").glob("*.typ")} - {"template"}
    assert sorted(BOOKS) == sorted(sources)
    for row in SHELF:
        assert row["path"] == f"results/demo/books/{row['book_id']}.pdf"
        assert row["licence"] == "CC-BY-4.0"
        assert row["sha256"] == ""


def test_every_discipline_has_a_book_and_one_serves_two():
    assert {d for row in COURSES for d in row["disciplines"].split(";")} == DISCIPLINES
    assert [row["book_id"] for row in SHELF if row["disciplines"] == "biology;medicine"] == ["physiology"]


def test_one_book_is_for_a_school_and_the_shelf_does_not_say_so(pages, texts):
    (row,) = [row for row in SHELF if row not in COURSES]
    assert row["book_id"] == "everyday_electricity" and row["disciplines"] == row["level"] == ""
    assert 2 <= len(pages[row["book_id"]]) <= 3 and "sixth year at school" in texts[row["book_id"]]
    assert {row["level"] for row in COURSES} == {"undergraduate"}


def test_equal_bytes_on_two_compilations(pdfs, tmp_path):
    for book in BOOKS:
        typeset(EXAMPLES / "books" / f"{book}.typ", tmp_path / "again.pdf")
        assert (tmp_path / "again.pdf").read_bytes() == (pdfs / f"{book}.pdf").read_bytes(), book


@pytest.mark.parametrize("row", COURSES, ids=[row["book_id"] for row in COURSES])
def test_a_book_has_what_a_textbook_has(row, pages, texts, exercises):
    book, text = row["book_id"], texts[row["book_id"]]
    assert 2 <= len(pages[book]) <= 4
    assert 700 <= len(text.split()) <= 1300
    assert row["title"] in text
    assert {"CHAPTER 1", "CHAPTER 2"} <= set(re.findall(r"CHAPTER \d", text))
    assert "Table 1. " in text
    numbers = [int(n) for n in re.findall(r"Exercise (\d+)\. ", text)]
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= 4
    assert [n for b, n in sorted(exercises) if b == book] == numbers
    assert re.findall(r"Example (\d+)\. ", text)[:2] == ["1", "2"]


def test_running_heads_and_page_numbers(pages):
    assert pages["calculus"][1].startswith("2 Calculus of One Variable")
    assert pages["physiology"][2].startswith("Kidneys and clearance 3")
    assert pages["calculus"][0].rstrip().endswith("\n1")


# What is planted


@pytest.mark.parametrize(("one", "other"), NEAR_DUPLICATES)
def test_near_duplicates(one, other, exercises):
    assert jaccard(exercises[one][0], exercises[other][0]) >= 0.7


def test_no_other_exercises_are_near_duplicates(exercises):
    planted = {frozenset(pair) for pair in NEAR_DUPLICATES}
    keys = sorted(exercises)
    for i, a in enumerate(keys):
        for b in keys[i + 1 :]:
            if frozenset((a, b)) not in planted:
                assert jaccard(exercises[a][0], exercises[b][0]) < 0.3, (a, b)


@pytest.mark.parametrize(("book", "number", "figure"), MISSING_FIGURES)
def test_missing_figures(book, number, figure, exercises, texts, pdfs):
    assert figure in exercises[book, number][0]
    assert f"{figure}. " not in texts[book]  # as a caption would begin
    with pypdfium2.PdfDocument(pdfs / f"{book}.pdf") as pdf:
        images = [o for page in pdf for o in page.get_objects() if o.type == pypdfium2.raw.FPDF_PAGEOBJ_IMAGE]
    assert not images


def test_bare_answers(exercises):
    bare = [(*key, answer) for key, (_, kind, answer) in sorted(exercises.items()) if kind == "Answer"]
    assert bare == sorted(BARE_ANSWERS)


def test_exercise_that_leans_on_another(exercises):
    question, _, answer = exercises["chemical_equilibrium", 5]
    assert "in the previous exercise" in question
    assert "0.29/0.21" in answer


def test_nearly_empty_and_empty_pages(pages):
    words = {(book, i): len(page.split()) for book in BOOKS for i, page in enumerate(pages[book], 1)}
    assert words["genetics", 2] == 0
    assert {key for key, n in words.items() if n < 60} == {("genetics", 1), ("genetics", 2), ("physiology", 3)}


@pytest.mark.parametrize(("book", "number", "name", "row", "field", "answer"), PARAPHRASES)
def test_paraphrased_benchmark_items(book, number, name, row, field, answer, exercises):
    item = rows(name)[row]
    question = item["examples"][0]["input"] if field == "examples" else item[field]
    own, _, solution = exercises[book, number]
    # The same question in other words: the numbers agree, and no run of words would give it away.
    numbers = [set(re.findall(r"\d+(?:\.\d+)?", re.sub(r"CH3COO\w+", "", text))) for text in (own, question)]
    shared = numbers[0] & numbers[1]
    assert shared == min(numbers, key=len)
    assert not shingles(own, 8) & shingles(question, 8)
    assert jaccard(own, question) < 0.3
    assert re.search(rf"(?<![\d.]){re.escape(answer)}(?![\d/])", solution)
    assert answer in json.dumps(item)


def test_readme_lists_every_plant():
    readme = (EXAMPLES / "README.md").read_text()
    planted = [place for pair in NEAR_DUPLICATES for place in pair]
    planted += [p[:2] for p in MISSING_FIGURES + BARE_ANSWERS + PARAPHRASES] + [("chemical_equilibrium", 5)]
    for book, number in planted:
        assert f"{book} {number}" in readme, (book, number)


# The numbers in the books, computed again

WORK = 150 * 5 * math.cos(math.radians(30))
HYDROGEN = 1 - 7 / 9
ACID = math.sqrt(1.8e-5 * 0.10)
CLAIMS = [
    ("mechanics", f"d = 625/10 m = {25**2 / 10} m"),
    ("mechanics", f"10 {10 / 5} {10**2 / 10:.0f} 20 {20 / 5} {20**2 / 10:.0f} 30 {30 / 5} {30**2 / 10:.0f}"),
    ("mechanics", f"h = {19.6**2 / (2 * 9.8):.1f} m. The rise takes 19.6/9.8 = {19.6 / 9.8:.1f} s"),
    ("mechanics", f"√(2 · 9.8 · 1.8) = {math.sqrt(2 * 9.8 * 1.8):.1f} m/s"),
    ("mechanics", f"1.8/0.30 = {1.8 / 0.30:.1f} m"),
    ("mechanics", f"cos 30° = {WORK:.0f} J"),
    ("mechanics", f"(5.0 − 3.2)/5.0 = {(5.0 - 3.2) / 5.0:.2f}"),
    ("mechanics", f"√(2 · 9.8 · 3.2) = {math.sqrt(2 * 9.8 * 3.2):.1f} m/s"),
    ("calculus", f"The volume is 2 · 8² = {2 * (12 - 2 * 2) ** 2} cm³"),
    ("calculus", f"h(2) = 39.2 − 19.6 = {19.6 * 2 - 4.9 * 4:.1f} m"),
    ("calculus", f"(ln 2)/6 = {math.log(2) / 6:.4f} per hour"),
    ("calculus", f"2.3026/0.1155 = {math.log(10) / (math.log(2) / 6):.1f} hours"),
    ("chemical_equilibrium", f"x = 7/9 = {7 / 9:.3f}"),
    ("chemical_equilibrium", f"[H₂] = [I₂] = {HYDROGEN:.3f} mol/L and [HI] = {14 / 9:.3f} mol/L"),
    ("chemical_equilibrium", f"= {0.010**2 / (0.10 * 0.20**3):.3f}. This is smaller than 0.50"),
    ("chemical_equilibrium", f"Answer. {-8.314 * 298 * math.log(1e-3) / 1000:.1f} kJ/mol"),
    ("chemical_equilibrium", f"formic acid 1.8 × 10⁻⁴ {-math.log10(1.8e-4):.2f}"),
    ("chemical_equilibrium", f"acetic acid 1.8 × 10⁻⁵ {-math.log10(1.8e-5):.2f}"),
    ("chemical_equilibrium", f"ammonium ion 5.6 × 10⁻¹⁰ {-math.log10(5.6e-10):.2f}"),
    ("chemical_equilibrium", f"x = {ACID * 1e3:.2f} × 10⁻³ mol/L. This is {100 * ACID / 0.10:.1f}% of 0.10"),
    ("chemical_equilibrium", f"−log (1.34 × 10⁻³) = {-math.log10(ACID):.2f}"),
    ("chemical_equilibrium", f"log (0.30/0.20) = 4.74 + 0.18 = {4.74 + math.log10(0.30 / 0.20):.2f}"),
    ("chemical_equilibrium", f"log (0.29/0.21) = 4.74 + 0.14 = {4.74 + math.log10(0.29 / 0.21):.2f}"),
    ("algorithms", f"log₂ 1000 = {math.log2(1000):.2f}"),
    ("algorithms", f"10 {math.log2(10):.1f} {10 * math.log2(10):.0f} 100"),
    ("algorithms", f"1000 {math.log2(1000):.1f} {1000 * math.log2(1000):.0f} 1 000 000"),
    ("algorithms", f"1 000 000 {math.log2(1e6):.1f} {math.log2(1e6) / 10:.1f} × 10⁷ 10¹²"),
    ("algorithms", f"at most 8 + 1 = {math.floor(math.log2(500)) + 1} entries"),
    ("microeconomics", f"the elasticity is −5 · 8/60 = −{5 * 8 / 60:.2f}"),
    ("microeconomics", f"½ · 3 · 10 = {0.5 * 3 * 10:.0f} euros"),
    ("microeconomics", f"so the profit is {(50 - 20) * 20 - (100 + 10 * 20)}"),
    ("microeconomics", f"(36 − 12) · 12 = {(60 - 2 * 12 - 12) * 12}"),
    ("genetics", f"320 · 3/16 = {320 * 3 // 16} offspring"),
    ("genetics", f"105 + 95 = {105 + 95} are recombinant"),
    ("genetics", f"2 · 0.98 · 0.02 = {2 * 0.98 * 0.02:.3f}"),
    ("genetics", f"0.33 + 1.00 = {10**2 / 300 + 10**2 / 100:.2f}"),
    ("physiology", f"The stroke volume is 5000/70 = {5000 / 70:.0f} mL"),
    ("physiology", f"2⁴ = {2**4} times"),
    ("physiology", f"75 + (120 − 75)/3 = {75 + (120 - 75) // 3} mmHg"),
    ("physiology", f"90/5.0 = {90 / 5:.0f} mmHg"),
    ("physiology", f"56/140 = {56 / 140:.2f}"),
    ("physiology", f"56 · 80 = {56 * 80} mL/min"),
    ("physiology", f"12/0.10 = {12 / 0.10:.0f} mL"),
    ("physiology", f"log 10/log 2 = {math.log2(10):.2f}, which takes 3.32 · 6 = {6 * math.log2(10):.1f} hours"),
]


@pytest.mark.parametrize(("book", "claim"), CLAIMS)
def test_numbers(book, claim, texts):
    assert claim in texts[book]


def test_demand_and_supply_table(texts):
    for price in (4, 6, 8, 10):
        demand, supply = 100 - 5 * price, 10 * price - 20
        assert f"{price} {demand} {supply} {demand - supply}".replace("-", "−") in texts["microeconomics"]


def test_code_listing_is_the_search_that_the_text_counts(tmp_path):
    source = (EXAMPLES / "books" / "algorithms.typ").read_text()
    code = source.split("```")[1].replace("n - 1", "len(a) - 1")
    body = "def search(a, key):\n" + "".join(f"    {line}\n" for line in code.strip().splitlines())
    looked_at: list[int] = []

    class Array(list):
        def __getitem__(self, index):
            if not looked_at or looked_at[-1] != index:
                looked_at.append(index)
            return super().__getitem__(index)

    (tmp_path / "listing.py").write_text(body)
    search = runpy.run_path(str(tmp_path / "listing.py"))["search"]
    for size in (500, 1000):
        worst = 0
        for key in range(-1, 2 * size):
            looked_at.clear()
            found = search(Array(range(0, 2 * size, 2)), key)
            assert found == (key // 2 if key >= 0 and key % 2 == 0 else "not found")
            worst = max(worst, len(looked_at))
        assert worst == math.floor(math.log2(size)) + 1


# The benchmarks

FIELDS = {
    "mmlu.jsonl": "question options answer topic id",
    "mmlu_pro.jsonl": "question_id question options answer answer_index cot_content category src",
    "super_gpqa.json": "uuid question options answer answer_letter discipline field subfield difficulty is_calculation",
    "scibench.json": "solution problem_text answer_latex comment answer_number problemid unit source subject",
    "cs_bench_multiple_choice.json": "ID Split Domain SubDomain Format Tag Language Question A B C D Answer",
    "cs_bench_assertion.json": "ID Split Domain SubDomain Format Tag Language Question Answer",
    "medqa.jsonl": "question answer options meta_info answer_idx",
    "medmcqa.json": "id question opa opb opc opd cop choice_type exp subject_name topic_name",
    "pubmedqa.json": "pubid question context long_answer final_decision",
    "piqa.json": "goal sol1 sol2 label",
    "gsm8k.jsonl": "question answer cot id",
    "math.jsonl": "problem level type solution",
    "math500.jsonl": "problem solution answer subject level unique_id",
    "olympic_arena.jsonl": "id problem prompt figure_urls answer solution answer_type unit answer_sequence "
    "type_sequence test_cases subject language modality",
    "chembench.jsonl": "canary description examples in_humansubset_w_tool in_humansubset_wo_tool keywords metrics name "
    "preferred_score uuid relative_tolerance subfield",
    "gpqa.jsonl": "",
}


def test_every_benchmark_is_checked():
    assert sorted(path.name for path in (EXAMPLES / "benchmarks").iterdir()) == sorted(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_three_items_with_the_fields_of_the_real_benchmark(name):
    items = rows(name)
    assert len(items) == 3
    for item in items:
        if FIELDS[name]:
            assert list(item) == FIELDS[name].split()
        else:
            assert {"Question", "Correct Answer", *(f"Incorrect Answer {i}" for i in (1, 2, 3))} <= set(item)
    assert len({json.dumps(item, sort_keys=True) for item in items}) == 3


def test_choices_have_exactly_one_right_option():
    for item in rows("mmlu.jsonl"):
        assert len(set(item["options"])) == 4 and item["answer"] in LETTERS[:4]
    for item in rows("mmlu_pro.jsonl"):
        assert 4 < len(set(item["options"])) == len(item["options"]) <= 10
        assert LETTERS[item["answer_index"]] == item["answer"]
        assert item["answer_index"] < len(item["options"])
    for item in rows("super_gpqa.json"):
        assert 4 < len(set(item["options"])) == len(item["options"]) <= 10
        assert item["options"][LETTERS.index(item["answer_letter"])] == item["answer"]
    for item in rows("gpqa.jsonl"):
        assert len({item["Correct Answer"], *(item[f"Incorrect Answer {i}"] for i in (1, 2, 3))}) == 4
    for item in rows("cs_bench_multiple_choice.json"):
        assert len({item[letter] for letter in "ABCD"}) == 4 and item["Answer"] in list("ABCD")
    for item in rows("medqa.jsonl"):
        assert list(item["options"]) == list("ABCDE") and len(set(item["options"].values())) == 5
        assert item["options"][item["answer_idx"]] == item["answer"]
    for item in rows("medmcqa.json"):
        assert len({item[f"op{letter}"] for letter in "abcd"}) == 4 and item["cop"] in range(4)
    for item in rows("piqa.json"):
        assert item["sol1"] != item["sol2"] and item["label"] in (0, 1)


def test_every_word_of_closed_answers_occurs():
    assert {item["final_decision"] for item in rows("pubmedqa.json")} == {"yes", "no", "maybe"}
    assert {item["Answer"] for item in rows("cs_bench_assertion.json")} == {"True", "False"}
    assert {item["label"] for item in rows("piqa.json")} == {0, 1}
    assert [item["answer_type"] for item in rows("olympic_arena.jsonl")] == ["NV", "SC", "EX"]


def test_chembench_has_a_number_one_right_option_and_several():
    number, one, several = (item["examples"][0] for item in rows("chembench.jsonl"))
    assert float(number["target"]) == 4.92 and number["target_scores"] is None
    assert sorted(json.loads(one["target_scores"]).values()) == [0, 0, 0, 1]
    assert sorted(json.loads(several["target_scores"]).values()) == [0, 0, 0, 1, 1]
    assert one["target"] is None and several["target"] is None


def test_answers_computed_anew():
    def picked(name, row):
        item = rows(name)[row]
        return item["options"][LETTERS.index(item.get("answer_letter", item["answer"]))]

    assert picked("mmlu.jsonl", 0) == "2/3"  # Aa among AA, Aa, aA
    assert picked("mmlu.jsonl", 2) == str(math.factorial(5) // (2 * 2))
    best = max(range(31), key=lambda q: (60 - 2 * q - 12) * q)
    assert picked("mmlu_pro.jsonl", 0) == f"Q = {best}, P = {60 - 2 * best}"
    assert picked("mmlu_pro.jsonl", 1) == f"{3.0 * 2.0 / (2.0 + 3.0):.1f} atm"
    # E = 1 + E₁/2 + E/2 with E₁ = 1 + E/2 after one head
    assert picked("mmlu_pro.jsonl", 2) == str(round((1 + 0.5) / (1 - 0.5 - 0.25)))
    assert picked("super_gpqa.json", 0) == f"{600e-9 * 2.0 / 0.30e-3 * 1e3:.1f} mm"
    assert picked("super_gpqa.json", 2) == f"{2 * 25.0 * 0.0800 / 0.100:.1f} mL"
    scibench = [float(item["answer_number"]) for item in rows("scibench.json")]
    assert scibench[0] == pytest.approx(WORK, rel=1e-3)
    assert scibench[1] == pytest.approx(0.5 * 8.314 * 300 / 0.010 / 1000, rel=3e-3)
    assert scibench[2] == pytest.approx(3 * math.log2(5), rel=1e-3)
    arena = rows("olympic_arena.jsonl")
    assert float(arena[0]["answer"][0]) == math.sqrt(3 * 10 / 1.2)
    assert arena[1]["answer"] == ["D"] and f"D) {3**2 * 2**4}" in arena[1]["problem"]
    assert all(sum((2 * k - 1) ** 2 for k in range(1, n + 1)) == n * (4 * n * n - 1) // 3 for n in range(1, 9))
    boxed = [re.search(r"\\boxed\{(.*)\}", item["solution"]).group(1) for item in rows("math.jsonl")]
    assert boxed == [str(3 + 9 // 3), str(sum(360 % d == 0 for d in range(1, 361))), r"12\sqrt{5}"]
    assert math.sqrt(12 * 5 * 4 * 3) == pytest.approx(12 * math.sqrt(5))
    answers = [item["answer"] for item in rows("math500.jsonl")]
    assert answers == [r"2\sqrt{2}", r"\frac{3}{8}", "-8i"]
    assert math.sqrt(48) / math.sqrt(6) == pytest.approx(2 * math.sqrt(2))
    assert sum(0.5 * (-1 / 3) ** k for k in range(60)) == pytest.approx(3 / 8)
    assert (1 + 1j) ** 6 == pytest.approx(-8j)
    for item in rows("math500.jsonl"):
        assert rf"\boxed{{{item['answer']}}}" in item["solution"]


def test_word_problems_computed_anew():
    answers = [(6 * 15 - 70) / 2, 180 - (24 + 2 * 24), 50 - (2 * 12 + 3 * 12 * 2 / 3)]
    for item, answer in zip(rows("gsm8k.jsonl"), answers, strict=True):
        assert float(item["answer"]) == answer
        assert item["cot"].endswith(f"#### {item['answer']}")
