"""Public sets: mapping, files, language, and the import with all that can be wrong with a set."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from megascience.cli.reasons import all_reasons
from megascience.curation.dedup import cluster_shards, lsh_settings, select_shard, sketch_shard
from megascience.ingest.public.field_mapping import parse_mapping, read_row
from megascience.ingest.public.import_source import check_source, import_source, local_patterns
from megascience.ingest.public.language import foreign_language
from megascience.ingest.public.row_files import iter_rows
from megascience.storage import hub
from megascience.storage.drops import Drop
from megascience.storage.errors import InputError
from megascience.storage.files import file_sha256
from megascience.storage.ids import shard_of
from megascience.storage.parquet import read_records
from owned import SCHEMAS

MAPPING = {"id": "id", "question": "question", "answer": "responses.0.response", "reference_answer": "reference_answer"}


def row(n: int, **changes) -> dict:
    return {
        "id": f"r{n}",
        "question": f"What is the mass of {n} moles of carbon?",
        "reference_answer": f"{12 * n} g",
        "responses": [{"response_model": "m", "response": f"{n} mol times 12 g/mol is {12 * n} g."}],
        **changes,
    }


def write(path, rows) -> str:
    lines = [r if isinstance(r, str) else json.dumps(r, ensure_ascii=False) for r in rows]
    data = ("\n".join(lines) + "\n").encode()
    if path.suffix == ".gz":
        data = gzip.compress(data)
    elif path.suffix == ".zst":
        data = pa.compress(data, codec="zstd", asbytes=True)
    path.write_bytes(data)
    return str(path)


def entry(path, **changes) -> dict:
    return {"path": str(path), "mapping": MAPPING, "licence": "CC-BY-4.0", "shards": 2, **changes}


class Imported:
    def __init__(self, folder, given, name="carbon"):
        shards = range(given["shards"])
        self.kept_paths = [folder / f"{n:03d}.parquet" for n in shards]
        self.dropped_paths = [folder / f"{n:03d}.dropped.parquet" for n in shards]
        self.summary_path = folder / "source.json"
        self.counts = import_source(
            name, given, kept=self.kept_paths, dropped=self.dropped_paths, summary=self.summary_path
        )
        self.kept = [r for path in self.kept_paths for r in read_records(path, SCHEMAS["import_source"])]
        self.dropped = [r for path in self.dropped_paths for r in read_records(path)]
        self.summary = json.loads(self.summary_path.read_text())

    @property
    def reasons(self):
        return {r["id"].rpartition(":")[2]: r["reason"] for r in self.dropped}


@pytest.fixture
def run(tmp_path):
    def do(rows=None, *, file="set.jsonl", to="out", name="carbon", **changes):
        path = tmp_path / file
        if rows is not None:
            write(path, rows)
        return Imported(tmp_path / to, entry(path, **changes), name)

    return do


# --- a good set


def test_rows_carry_their_texts_and_where_they_come_from(run, tmp_path):
    done = run([row(n) for n in range(1, 41)])
    assert done.counts == {"read": 40, "kept": 40} and done.dropped == []
    one = next(r for r in done.kept if r["row"] == 7)
    sha = file_sha256(tmp_path / "set.jsonl")
    assert one == {
        "qa_id": one["qa_id"],
        "source": "carbon",
        "question": "What is the mass of 7 moles of carbon?",
        "answer": "7 mol times 12 g/mol is 84 g.",
        "reference_answer": "84 g",
        "subject": None,
        "licence": "CC-BY-4.0",
        "file": "set.jsonl",
        "row": 7,
        "row_id": "r7",
        "revision": f"sha256:{sha}",
    }
    assert done.summary["files"] == [{"file": "set.jsonl", "revision": f"sha256:{sha}"}]
    assert done.summary["rows"] == {"read": 40, "kept": 40} and done.summary["licence"] == "CC-BY-4.0"


def test_a_row_keeps_its_id_and_shard_whatever_other_rows_there_are(run):
    all_rows = [row(n) for n in range(1, 60)]
    first, second = run(all_rows, to="a"), run(all_rows[::-3], to="b")
    places = [
        {r["qa_id"]: path.name for path in done.kept_paths for r in read_records(path)} for done in (first, second)
    ]
    assert set(places[1]) < set(places[0]) and all(places[0][i] == place for i, place in places[1].items())
    assert all(f"{shard_of(i, 2):03d}.parquet" == place for i, place in places[0].items())
    assert len(set(places[0].values())) == 2


def test_same_rows_give_the_same_bytes(run):
    rows = [row(n) for n in range(1, 30)] + [row(5), row(31, question=None)]
    first, second = run(rows, to="a"), run(rows, to="b")
    for name in ("kept_paths", "dropped_paths"):
        assert [p.read_bytes() for p in getattr(first, name)] == [p.read_bytes() for p in getattr(second, name)]
    assert first.summary_path.read_bytes() == second.summary_path.read_bytes()


@pytest.mark.parametrize("file", ["set.jsonl.gz", "set.jsonl.zst", "set.ndjson"])
def test_compressed_files_say_the_same(run, file):
    rows = [row(n) for n in range(1, 9)]
    plain, packed = run(rows), run(rows, file=file, to="packed")
    assert {r["qa_id"] for r in plain.kept} == {r["qa_id"] for r in packed.kept}


def test_parquet_says_the_same_and_only_mapped_columns_are_read(run, tmp_path):
    rows = [row(n) for n in range(1, 9)]
    pq.write_table(pa.Table.from_pylist([{**r, "unmapped": "x"} for r in rows]), tmp_path / "set.parquet")
    assert list(next(iter_rows(tmp_path / "set.parquet", ["id", "question"], 9))[1]) == ["id", "question"]
    packed = run(file="set.parquet", to="packed")
    assert {r["qa_id"] for r in run(rows).kept} == {r["qa_id"] for r in packed.kept}


def test_several_files_by_a_pattern_in_the_order_of_their_names(run, tmp_path, monkeypatch):
    for n in (2, 1):
        (tmp_path / f"part{n}").mkdir()
        write(tmp_path / f"part{n}" / "rows.jsonl", [row(n)])
    monkeypatch.chdir(tmp_path)
    done = Imported(tmp_path / "out", entry("part*/rows.jsonl"))
    assert {r["file"] for r in done.kept} == {"part1/rows.jsonl", "part2/rows.jsonl"}
    assert [f["file"] for f in done.summary["files"]] == ["part1/rows.jsonl", "part2/rows.jsonl"]


def test_a_set_on_the_hub_is_fetched_at_its_revision(tmp_path, monkeypatch):
    asked = []

    def fetch(repo, revision, patterns, wanted_by):
        asked.append((repo, revision, patterns))
        write(tmp_path / "full.jsonl", [row(1), row(2)])
        return [tmp_path / "full.jsonl"]

    monkeypatch.setattr("megascience.ingest.public.import_source.dataset_files", fetch)
    given = entry("", hub={"repo": "facebook/natural_reasoning", "revision": "0" * 40, "files": ["full.jsonl"]})
    del given["path"]
    check_source("nr", given, tmp_path / "checked.tsv")
    assert asked == [] and "checked when it is imported" in (tmp_path / "checked.tsv").read_text()
    done = Imported(tmp_path / "out", given, "nr")
    assert asked == [("facebook/natural_reasoning", "0" * 40, ["full.jsonl"])]
    assert {r["revision"] for r in done.kept} == {"0" * 40} and done.summary["hub"] == "facebook/natural_reasoning"
    assert local_patterns(given) == []


def test_what_the_hub_does_not_give_is_said_with_the_fix(monkeypatch, tmp_path):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *a, **k: str(tmp_path))
    with pytest.raises(InputError, match="config: sources.x: a/b has no file 'full.jsonl' at 123"):
        hub.dataset_files("a/b", "123", ["full.jsonl"], "config: sources.x")

    def refuse(*args, **kwargs):
        raise OSError("offline")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(InputError, match=r"cannot be had \(offline\); accept its terms"):
        hub.dataset_files("a/b", "123", ["full.jsonl"], "config: sources.x")


# --- rows that are left out, each with its reason


def test_each_row_that_cannot_be_used_is_dropped_with_its_reason(run):
    rows = [
        row(1),
        row(2, question=None),
        row(3, question="   "),
        row(4, responses=[]),
        row(5, responses=None),
        row(6, reference_answer=None),
        row(7, reference_answer=""),
        row(8, id="r1"),
        row(1, id="r9"),
        row(10, question="¿Cuál es la masa de diez moles de carbono según la tabla?"),
        row(11, question="Какова масса десяти молей углерода?"),
        row(12, question="x" * 60_000),
        row(13, responses=[{"response_model": "m", "response": "y" * 49_990}]),
    ]
    done = run(rows, max_row_bytes=50_000)
    assert done.reasons == {
        "2": "empty_field",
        "3": "empty_field",
        "4": "empty_field",
        "5": "empty_field",
        "8": "repeated_id",
        "9": "repeated_row",
        "10": "not_english",
        "11": "not_english",
        "12": "row_too_long",
        "13": "row_too_long",
    }
    assert {r["row"] for r in done.kept} == {1, 6, 7}
    assert [r["reference_answer"] for r in done.kept if r["row"] in (6, 7)] == [None, None]
    details = {r["id"]: r["detail"] for r in done.dropped}
    assert details["carbon:set.jsonl:2"] == "question" and details["carbon:set.jsonl:8"] == "r1"
    assert details["carbon:set.jsonl:10"] == "Spanish" and details["carbon:set.jsonl:12"].endswith(" bytes")
    assert {r["reason"] for r in done.dropped} <= set(all_reasons()) and {r["stage"] for r in done.dropped} == {
        "import_source"
    }
    assert sum(done.counts.values()) - done.counts["read"] == done.counts["read"] == len(rows)


def test_faults_below_the_head_cost_one_row_each(run):
    good = [row(n) for n in range(1, 121)]
    late = [
        '{"question": "cut o',
        "[1, 2]",
        json.dumps({"id": "a", "question": "b"}),
        json.dumps(row(200, responses="x")),
    ]
    done = run(good + late)
    assert done.reasons == {
        "121": "malformed_row",
        "122": "malformed_row",
        "123": "missing_field",
        "124": "missing_field",
    }
    details = {r["id"].rpartition(":")[2]: r["detail"] for r in done.dropped}
    assert details["123"] == "answer: the row has no field 'responses' (it has id, question)"
    assert details["124"] == "answer: field 'responses' is a text and has no field '0'"


def test_a_row_of_megabytes_is_never_read_whole(tmp_path):
    """The line is far longer than rows at the limit that is asked for."""
    path = tmp_path / "set.jsonl"
    write(path, [row(1), json.dumps(row(2, question="z" * 5_000_000)), row(3)])
    found = list(iter_rows(path, [], 1000))
    assert [n for n, _ in found] == [1, 2, 3]
    length = len(json.dumps(row(2, question="z" * 5_000_000))) + 1
    assert found[1][1] == Drop("row_too_long", f"{length} bytes")
    assert found[2][1]["id"] == "r3"


def test_a_last_row_without_a_line_end_counts_and_blank_lines_do_not(tmp_path):
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps(row(1)) + "\n\n" + json.dumps(row(2)))
    assert [(n, r["id"]) for n, r in iter_rows(path, [], 1000)] == [(1, "r1"), (3, "r2")]


def test_halves_of_surrogate_pairs_and_other_odd_text_can_be_written(run):
    done = run(
        ['{"id": 1, "question": "Why \\ud800 so?\\u0000", "reference_answer": 3.5, "responses": [{"response": "x"}]}']
    )
    assert done.kept[0]["question"] == "Why \ufffd so?\x00" and done.kept[0]["reference_answer"] == "3.5"
    assert done.kept[0]["row_id"] == "1"


def test_any_language_where_the_config_says_so(run):
    rows = [row(1, question="Какова масса десяти молей углерода?")]
    assert run(rows, language="any").counts["kept"] == 1


# --- sets that are refused before anything starts


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{"question": "a", "responses": []}],
            r"set.jsonl, row 1: id: the row has no field 'id' \(it has question, respo",
        ),
        (
            [row(1), {**row(2), "responses": "x"}, {**row(3), "responses": "x"}],
            "set.jsonl, row 2: answer: field 'responses' is a text and has no field",
        ),
        (
            [row(1, question={"text": "a"})],
            "row 1: question: field 'question' is an object, not a text; fix config: sou",
        ),
        (["{"], r"set.jsonl, row 1: no valid JSON .*; write one JSON object a line"),
        ([row(n, question=None) for n in range(3)], "none of its first 3 rows can be used; fix the mapping"),
        ([], "set.jsonl: has no row"),
    ],
)
def test_a_set_whose_head_is_faulty_is_refused_with_file_row_and_fix(tmp_path, rows, message):
    path = tmp_path / "set.jsonl"
    write(path, rows)
    with pytest.raises(InputError, match=message):
        check_source("carbon", entry(path), tmp_path / "checked.tsv")
    assert not (tmp_path / "checked.tsv").exists()
    with pytest.raises(InputError):
        Imported(tmp_path / "out", entry(path))
    assert not list((tmp_path / "out").glob("*"))


def test_one_row_of_another_form_costs_that_row_and_not_the_set(run, tmp_path, caplog):
    picture = [
        {"type": "text", "text": "What does the picture show?"},
        {"type": "image_url", "image_url": {"url": "x"}},
    ]
    rows = [row(1), row(2, question=picture), "[]", *(row(n) for n in range(4, 9))]
    check_source("carbon", entry(write(tmp_path / "set.jsonl", rows)), tmp_path / "checked.tsv")
    assert "row 2: question: field 'question' is a list, not a text" in caplog.text
    assert run(rows).reasons == {"2": "missing_field", "3": "malformed_row"}


def test_nan_and_infinity_are_missing_values(run):
    rows = [
        row(1),
        json.dumps(row(2)).replace('"What is the mass of 2 moles of carbon?"', "NaN"),
        json.dumps(row(3)).replace('"3 mol times 12 g/mol is 36 g."', "-Infinity"),
        json.dumps(row(4)).replace('"48 g"', "NaN"),
        json.dumps(row(5)).replace('"60 g"', "1e999"),
    ]
    done = run(rows)
    assert done.reasons == {"2": "empty_field", "3": "empty_field"}
    assert {r["row"]: r["reference_answer"] for r in done.kept} == {1: "12 g", 4: None, 5: None}


def test_nan_and_binary_columns_of_parquet(tmp_path):
    path = tmp_path / "set.parquet"
    table = {"question": ["Why is the sky blue?", "Why is grass green?"], "answer": [float("nan"), 2.5]}
    pq.write_table(pa.table(table), path)
    given = {"path": str(path), "mapping": {"question": "question", "answer": "answer"}, "licence": "x", "shards": 1}
    done = Imported(tmp_path, given)
    assert done.reasons == {"1": "empty_field"} and done.kept[0]["answer"] == "2.5"
    pq.write_table(pa.table({**table, "answer": [b"\x89PNG", b"\x00"]}), path)
    with pytest.raises(InputError, match="row 1: answer: field 'answer' is binary data, not a text; fix config"):
        check_source("carbon", given, tmp_path / "checked.tsv")


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_the_limit_of_a_row_counts_the_same_texts_in_every_format(tmp_path, suffix):
    """Fields that nobody maps and the escapes of JSON do not count."""
    rows = [
        {"question": "Why do leaves fall " + "é" * size + "?", "answer": "Because.", "unmapped": "z" * 5000}
        for size in (100, 1000)
    ]
    path = tmp_path / f"set{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    mapping = {"question": "question", "answer": "answer"}
    given = {"path": str(path), "mapping": mapping, "licence": "x", "shards": 1, "max_row_bytes": 1000}
    done = Imported(tmp_path, given)
    assert done.reasons == {"2": "row_too_long"} and done.dropped[0]["detail"] == "2028 bytes"


def test_a_good_head_is_noted(tmp_path):
    path = write(tmp_path / "set.jsonl", [row(n) for n in range(300)])
    check_source("carbon", entry(path), tmp_path / "checked.tsv")
    assert (tmp_path / "checked.tsv").read_text() == f"carbon\t{path}\t100 rows read\n"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("none.jsonl", "sources.carbon.path: there is no file .*none.jsonl; put it there or fix the path"),
        ("set.csv", "set.csv: neither JSONL nor Parquet by its name; give .jsonl"),
    ],
)
def test_files_that_are_not_there_or_of_another_format(tmp_path, path, message):
    (tmp_path / "set.csv").write_text("a,b\n")
    with pytest.raises(InputError, match=message):
        check_source("carbon", entry(tmp_path / path), tmp_path / "checked.tsv")


def test_files_that_are_cut_off(run, tmp_path):
    whole = write(tmp_path / "whole.jsonl.gz", [row(n) for n in range(4000)])
    data = open(whole, "rb").read()
    (tmp_path / "set.jsonl.gz").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"set.jsonl.gz: cannot be read after row \d+ .*fetch the file again"):
        run(file="set.jsonl.gz")
    (tmp_path / "set.parquet").write_bytes(b"PAR1" + b"\0" * 50)
    with pytest.raises(InputError, match="set.parquet: not a readable Parquet file"):
        run(file="set.parquet")


# --- mapping


def test_parts_and_constants():
    sources = parse_mapping(
        {
            "question": "input.-1.content",
            "answer": "output",
            "reference_answer": {"field": "output", "part": "after_thought"},
            "subject": {"value": "chemistry"},
        }
    )
    chat = [{"role": "system", "content": "s"}, {"role": "user", "content": " Why? "}]

    def read(output):
        return read_row(sources, {"input": chat, "output": output})

    assert read("<think>\nWell…\n</think>\n\nBecause of heat.\n") == {
        "question": "Why?",
        "answer": "<think>\nWell…\n</think>\n\nBecause of heat.",
        "reference_answer": "Because of heat.",
        "subject": "chemistry",
    }
    assert read("<think>\nI never come to an end")["reference_answer"] is None
    assert read("<think>\nA</think>  ")["reference_answer"] is None
    assert read("<think>one</think> two </think> three")["reference_answer"] == "three"
    assert read_row(sources, {"input": [], "output": "x"}) == Drop("empty_field", "question")


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"answer": "a"}, "sources.x.mapping has no question; name the field"),
        ({"question": "q", "topic": "t"}, r"mapping.topic: unknown column; known: id, question"),
        ({"question": {"field": "q", "part": "half"}}, "mapping.question.part is 'half'; use after_thought"),
        ({"question": ["q"]}, r"mapping.question is \['q'\]; write a field"),
        ({"question": "a..b"}, "mapping.question is 'a..b'; write a field"),
        ({"question": {"value": ""}}, "write a field"),
    ],
)
def test_faulty_mappings(mapping, message):
    with pytest.raises(InputError, match=message):
        parse_mapping(mapping, "config: sources.x.mapping")


# --- language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("¿Cuál es la aceleración de un cuerpo cuando la fuerza es cero?", "Spanish"),
        ("Quelle est la vitesse de la lumière dans le vide et comment les physiciens la mesurent-ils ?", "French"),
        ("Ein Körper fällt aus einer Höhe von 10 m. Wie groß ist die Geschwindigkeit?", "German"),
        ("Qual é a velocidade da luz no vácuo e como ela é medida pelos físicos?", "Portuguese"),
        ("Quale è la velocità della luce nel vuoto e come si misura con gli strumenti?", "Italian"),
        ("Wat is de snelheid van het licht en hoe wordt het gemeten aan een universiteit?", "Dutch"),
        ("Jaka jest prędkość światła w próżni oraz jak się ją mierzy?", "Polish"),
        ("Işık hızı nedir ve bir cismin kütlesi ile enerjisi arasındaki ilişki nedir?", "Turkish"),
        ("Какова скорость света в вакууме?", "Cyrillic"),
        ("光在真空中的速度是多少？", "Chinese"),
        ("請計算 5 mol 的 CO2 在 STP 下的體積", "Chinese"),
        ("真空中の光の速さはいくらですか。", "Japanese"),
        ("진공에서 빛의 속도는 얼마인가?", "Korean"),
        ("ما هي سرعة الضوء في الفراغ؟", "Arabic"),
        ("निर्वात में प्रकाश की गति क्या है?", "Indic"),
        ("Ποια είναι η ταχύτητα του φωτός στο κενό;", "Greek"),
    ],
)
def test_other_languages_are_told(text, language):
    assert foreign_language(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "What is the speed of light?",
        "Evaluate ∫₀¹ x² dx.",
        "αβγ = δ, so find θ and Δλ in terms of μ₀ε₀.",
        "Derive the van der Waals equation.",
        "Derive van der Waals constants a, b.",
        "Compute the de Broglie wavelength of an électron.",
        "Solve x^2 + 3x + 2 = 0",
        "",
        "C6H12O6 + 6 O2 → 6 CO2 + 6 H2O, ΔH?",
        "The Chinese word 光 means light. How fast is it?",
        "How does Pauli's 'Die allgemeinen Prinzipien der Wellenmechanik und das Licht' treat spin, and why?",
        "Que será, será: what does the song say about determinism?",
        "State Poincaré's and Schrödinger's theorems; compare Erdős–Rényi graphs.",
    ],
)
def test_english_and_bare_formulas_pass(text):
    assert foreign_language(text) is None


# --- the rows go through what follows


def test_rows_of_a_source_are_deduplicated_like_pairs(run, tmp_path):
    """They have no standard: the copy with the longest answer stays."""
    question = "A stone falls from rest through a height of 20 m. How long does the fall take, without drag?"
    long = [{"response": "t = sqrt(2 h / g) = sqrt(40/9.8) s = 2.0 s."}]
    rows = [row(1), row(2, question=question), row(3, question=question + " Neglect drag.", responses=long)]
    done = run(rows, shards=1)
    sketch, keep, kept, dropped = (
        tmp_path / n for n in ("sketch.parquet", "keep.parquet", "kept.parquet", "out.parquet")
    )
    sketch_shard(done.kept_paths, sketch)
    cluster_shards({"000": sketch}, {"000": keep}, **lsh_settings("threshold"))
    select_shard(done.kept_paths, keep, kept, dropped)
    assert [r["row_id"] for r in read_records(kept, SCHEMAS["import_source"])] == ["r1", "r3"]
    assert [r["reason"] for r in read_records(dropped)] == ["near_duplicate"]


def test_a_file_under_several_names_or_with_a_wildcard_in_its_name_is_refused(tmp_path):
    write(tmp_path / "a.jsonl", [row(1)])
    (tmp_path / "b.jsonl").symlink_to(tmp_path / "a.jsonl")
    write(tmp_path / "c{d}.jsonl", [row(2)])
    with pytest.raises(InputError) as caught:
        check_source("carbon", entry(tmp_path / "*.jsonl"), tmp_path / "checked.tsv")
    first, second = str(caught.value).split("\n")
    assert "c{d}.jsonl' has { and }" in first and second.endswith(
        f"b.jsonl is the same file as {tmp_path}/a.jsonl; name it once"
    )


def test_texts_that_must_not_be_trained_on(run):
    bad = {
        "chat_tokens": "It is 24 g.<|im_end|>",
        "leftover_thought": "<think>Two moles, so</think> 24 g.",
        "answer_tags": "<answer>24 g</answer>",
        "endless_repetition": "It is 24 g. " + "Wait, let me check. " * 60,
    }
    rows = [row(1)] + [row(n, responses=[{"response": text}]) for n, text in enumerate(bad.values(), 2)]
    rows.append(row(9, question="What is</s> the mass of 9 moles of carbon?"))
    done = run(rows)
    assert done.reasons == {**{str(n): reason for n, reason in enumerate(bad, 2)}, "6": "chat_tokens"}
    assert {r["detail"] for r in done.dropped} >= {"answer: <|im_end|>", "question: </s>"}
    assert run(rows, thoughts="keep").counts["leftover_thought"] == 0
