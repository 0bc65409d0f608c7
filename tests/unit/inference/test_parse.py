"""Parsing a shard: nothing is lost, nothing is joined by position, nothing unreadable passes."""

import os
import random
import subprocess
import sys
import textwrap

import megascience
import pyarrow.parquet as pq
import pytest
from megascience.inference.completions import COMPLETIONS
from megascience.inference.parse import iter_parsed, parse_shard
from megascience.stages.prompting.prompt import load_prompt
from megascience.storage.drops import Drop
from megascience.storage.errors import InputError
from megascience.storage.parquet import read_metadata, read_records, write_records
from owned import SCHEMAS

PAIRS = "---\nanswer: {question: text, answer: text}\nrepeat: true\nnone: NONE\n---\n"
VERDICT = "---\nanswer: {decision: [YES, NO]}\n---\n"
ANSWER = "---\nanswer: {answer: text}\n---\n"
KEEP = "---\nanswer: {decision: [KEEP, REJECT]}\n---\n"
LIBRARY = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(megascience.__file__))}
USER = "{% block user %}x{% endblock %}"


class Shard:
    """The files of one shard of a stage in a temporary folder."""

    def __init__(self, folder, stage, head, names=("any_low",)):
        self.folder, self.stage, self.join = folder, stage, None
        self.prompts = [folder / f"{name}.j2" for name in names]
        for path in self.prompts:
            path.write_text(head + USER)
        self.records = []

    def write(self, schema, rows, completions):
        """`completions`: (id, prompt, text, finish_reason) each."""
        self.records.append(self.folder / f"records{len(self.records)}.parquet")
        write_records(self.records[-1], rows, SCHEMAS[schema])
        self.complete(completions)
        return self

    def complete(self, completions, **more):
        hashes = {path.stem: load_prompt(path).hash for path in self.prompts}
        rows = [
            {
                "id": i,
                "prompt": p,
                "sample": 0,
                "prompt_hash": hashes.get(p, ""),
                "text": t,
                "finish_reason": f,
                "model": "m",
                "revision": "r",
                **more,
            }
            for i, p, t, f in completions
        ]
        write_records(self.folder / "completions.parquet", rows, COMPLETIONS)

    def parse(self):
        parse_shard(**self.inputs(), kept=self.folder / "kept.parquet", dropped=self.folder / "dropped.parquet")
        dropped = read_records(self.folder / "dropped.parquet")
        assert all(row["stage"] == self.stage for row in dropped)
        return read_records(self.folder / "kept.parquet"), [(r["id"], r["reason"], r["detail"]) for r in dropped]

    def inputs(self):
        return {
            "stage": self.stage,
            "records": self.records,
            "completions": self.folder / "completions.parquet",
            "prompts": self.prompts,
            "join": self.join,
        }


def pair(i, **more):
    row = {"qa_id": f"q{i}", "chunk_id": "c", "book_id": "b", "discipline": "physics", "standard": "low"}
    return {**row, "question": f"Q{i}", "answer": f"A{i}", "has_reasoning": False, **more}


def chunk(i):
    return {"chunk_id": f"c{i}", "book_id": "b", "discipline": "physics", "page_first": 1, "text": f"T{i}"}


def test_verdicts_join_by_id_whatever_their_order(tmp_path):
    rows = [pair(i) for i in range(300)]
    answers = [(f"q{i}", "any_low", f"<decision>{'YES' if i % 3 else 'NO'}</decision>", "stop") for i in range(300)]
    random.Random(1).shuffle(answers)
    kept, dropped = Shard(tmp_path, "judge_cot", VERDICT).write("refine", rows, answers).parse()
    assert [row["qa_id"] for row in kept] == [row["qa_id"] for row in rows] and not dropped
    assert [row["has_reasoning"] for row in kept] == [bool(i % 3) for i in range(300)]


def test_several_files_of_records(tmp_path):
    shard = Shard(tmp_path, "judge_cot", VERDICT)
    shard.write("refine", [pair(1)], [])
    shard.write("refine", [pair(2)], [(f"q{i}", "any_low", "<decision>YES</decision>", "stop") for i in (1, 2)])
    assert [row["qa_id"] for row in shard.parse()[0]] == ["q1", "q2"]


def test_every_unit_ends_somewhere_with_its_reason(tmp_path):
    texts = {
        "q0": ("<decision>KEEP</decision>", "stop"),
        "q1": ("<decision>REJECT</decision>", "stop"),
        "q2": ("I would keep it.", "stop"),
        "q3": ("<decision>KE", "length"),
        "q4": ("", "overflow"),
        "q5": ("", "stop"),
        "q6": ("<decision>KEEP</decision> and more", "length"),
    }
    rows = [pair(i) for i in range(7)]
    answers = [(i, "any_low", text, finish) for i, (text, finish) in texts.items()]
    kept, dropped = Shard(tmp_path, "filter", KEEP).write("distill_cot", rows, answers).parse()
    assert [row["qa_id"] for row in kept] == ["q0", "q6"]
    assert dropped == [
        ("q1", "rejected", ""),
        ("q2", "unreadable", "I would keep it."),
        ("q3", "truncated", "<decision>KE"),
        ("q4", "context_overflow", ""),
        ("q5", "unreadable", ""),
    ]


def test_lists_keep_and_drop_part_by_part(tmp_path):
    shard = Shard(tmp_path, "extract", PAIRS, ("physics_high", "physics_low"))
    two = "<question>Q</question><answer>A</answer>" * 2 + "<question>Q2</question>"
    answers = [
        ("c1", "physics_high", "NONE", "stop"),
        ("c1", "physics_low", two, "stop"),
        ("c2", "physics_high", "<question>Q</question><answer>A</answer>", "stop"),
        ("c2", "physics_low", "no tags", "stop"),
    ]
    kept, dropped = shard.write("chunk", [chunk(1), chunk(2)], answers).parse()
    assert [(r["chunk_id"], r["standard"], r["question"], r["answer"]) for r in kept] == [
        ("c1", "low", "Q", "A"),
        ("c2", "high", "Q", "A"),
    ]
    assert [(i, reason) for i, reason, _ in dropped] == [
        ("c1:high", "no_pairs"),
        ("c1:low#2", "repeated_pair"),
        ("c1:low#3", "incomplete_pair"),
        ("c2:low", "unreadable"),
    ]


def test_untouched_records_pass_through_without_a_completion(tmp_path):
    rows = [pair(1, has_reasoning=True), pair(2), pair(3, has_reasoning=True)]
    answers = [("q2", "any_low", "<answer>because</answer>", "stop")]
    kept, dropped = Shard(tmp_path, "distill_cot", ANSWER).write("judge_cot", rows, answers).parse()
    assert [(r["qa_id"], r["answer"]) for r in kept] == [("q1", "A1"), ("q2", "because"), ("q3", "A3")]
    assert not dropped and all(r["has_reasoning"] for r in kept)


def test_the_chunk_is_joined_by_id(tmp_path):
    shard = Shard(tmp_path, "refine", "---\nanswer: {question: text, answer: text}\nnone: NONE\n---\n")
    shard.join = tmp_path / "chunks.parquet"
    write_records(shard.join, [chunk(2), chunk(1)], SCHEMAS["chunk"])
    shard.write(
        "dedup",
        [pair(1, chunk_id="c1"), pair(2, chunk_id="c2")],
        [(f"q{i}", "any_low", "NONE", "stop") for i in (1, 2)],
    )
    assert [parsed.record["chunk_text"] for parsed in iter_parsed(**shard.inputs())] == ["T1", "T2"]
    assert [reason for _, reason, _ in shard.parse()[1]] == ["not_self_contained"] * 2
    write_records(shard.join, [chunk(1)], SCHEMAS["chunk"])
    with pytest.raises(InputError, match=r"chunks\.parquet: chunk c2 of .*records0\.parquet is not there"):
        shard.parse()


def test_verdicts_for_others_come_with_their_records(tmp_path):
    shard = Shard(tmp_path, "decontaminate", VERDICT)
    rows = [
        {
            "pair_id": f"p{i}",
            "question": "q",
            "benchmark": "B",
            "item_id": str(i),
            "item_question": "i",
            "skipped": i == 2,
        }
        for i in range(3)
    ]
    shard.records = [tmp_path / "candidates.parquet"]
    import pyarrow as pa

    write_records(shard.records[0], rows, pa.Table.from_pylist(rows).schema)
    shard.complete([("p0", "any_low", "<decision>YES</decision>", "stop"), ("p1", "any_low", "<decision>?", "stop")])
    first, second, third = iter_parsed(**shard.inputs())
    assert (first.unit, first.outcome) == ("p0", Drop("contaminated", "B 0"))
    assert (second.unit, second.outcome.reason) == ("p1", "unreadable")
    assert third.outcome == rows[2]


YES = "<decision>YES</decision>"


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([("q1", "any_low", YES, "stop")], "no completion for row q2 of .* with prompt any_low"),
        (
            [("q1", "any_low", YES, "stop"), ("q2", "any_low", YES, "stop"), ("q3", "any_low", YES, "stop")],
            "row q3 .* has no record",
        ),
        (
            [("q2", "any_low", YES, "stop"), ("q2", "any_low", YES, "stop"), ("q1", "any_low", YES, "stop")],
            "row q2 .* is there twice",
        ),
        (
            [("q1", "any_low", YES, "stop"), ("q2", "any_low", YES, "stop"), ("q1", "any_low", YES, "stop")],
            "row q1 .* has no record",
        ),
        (
            [("q1", "other", YES, "stop"), ("q2", "any_low", YES, "stop")],
            "row q1 was made with another version of other",
        ),
        ([], "no completion for row q1"),
    ],
)
def test_records_and_completions_that_do_not_match_are_refused(tmp_path, answers, message):
    shard = Shard(tmp_path, "judge_cot", VERDICT).write("refine", [pair(1), pair(2)], answers)
    with pytest.raises(InputError, match=message):
        shard.parse()
    assert not (tmp_path / "kept.parquet").exists() and not (tmp_path / "dropped.parquet").exists()


def test_completions_of_an_older_prompt_are_refused(tmp_path):
    shard = Shard(tmp_path, "judge_cot", VERDICT).write("refine", [pair(1)], [("q1", "any_low", YES, "stop")])
    shard.prompts[0].write_text(shard.prompts[0].read_text() + "\n")
    with pytest.raises(InputError, match="row q1 was made with another version of any_low; delete the file"):
        shard.parse()


def test_files_that_are_no_tables_are_refused_by_name(tmp_path):
    shard = Shard(tmp_path, "judge_cot", VERDICT).write("refine", [pair(1)], [("q1", "any_low", YES, "stop")])
    (tmp_path / "completions.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(InputError, match=r"completions\.parquet: not a readable Parquet file"):
        shard.parse()
    write_records(tmp_path / "completions.parquet", [chunk(1)], SCHEMAS["chunk"])
    with pytest.raises(InputError, match=r"completions\.parquet: column 'model' is missing"):
        shard.parse()


def test_the_footer_says_what_made_the_rows(tmp_path):
    shard = Shard(tmp_path, "extract", PAIRS, ("physics_high", "physics_low"))
    shard.write("chunk", [chunk(1)], [("c1", p, "NONE", "stop") for p in ("physics_high", "physics_low")]).parse()
    footer = read_metadata(tmp_path / "kept.parquet")
    hashes = ",".join(load_prompt(path).hash for path in shard.prompts)
    assert footer == {"schema_version": "1", "stage": "extract", "prompt_hash": hashes, "model": "m", "revision": "r"}
    assert read_metadata(tmp_path / "dropped.parquet")["stage"] == "extract"


def test_an_empty_shard_gives_empty_tables_of_the_right_form(tmp_path):
    kept, dropped = Shard(tmp_path, "judge_cot", VERDICT).write("refine", [], []).parse()
    assert kept == [] and dropped == []
    assert pq.read_schema(tmp_path / "kept.parquet").names == SCHEMAS["judge_cot"].names


def test_same_inputs_same_bytes(tmp_path):
    rows = [pair(i) for i in range(5000)]
    shard = Shard(tmp_path, "judge_cot", VERDICT)
    shard.write("refine", rows, [(row["qa_id"], "any_low", YES, "stop") for row in rows])
    outcomes = []
    for _ in range(2):
        shard.parse()
        outcomes.append((tmp_path / "kept.parquet").read_bytes())
    assert outcomes[0] == outcomes[1]


@pytest.mark.long
def test_memory_does_not_grow_with_the_number_of_rows(tmp_path):
    """Six times the rows must not cost more memory than a few batches hold."""
    script = textwrap.dedent(
        r"""
        import re, sys
        from pathlib import Path
        sys.path[:0] = [sys.argv[3], str(Path(sys.argv[3]).parent)]
        from test_parse import Shard, VERDICT, pair
        from megascience.inference.parse import parse_shard
        shard = Shard(Path(sys.argv[1]), "judge_cot", VERDICT)
        shard.records = [Path(sys.argv[1]) / "records0.parquet"]
        parse_shard(**shard.inputs(), kept=sys.argv[2] + "/kept", dropped=sys.argv[2] + "/dropped")
        print(int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
        """
    )
    peaks = []
    for count in (2_000, 20_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        rows = [pair(i, question=f"{i} " + "q" * 3000, answer=f"{i} " + "a" * 3000) for i in range(count)]
        shard = Shard(folder, "judge_cot", VERDICT)
        shard.write("refine", rows, [(r["qa_id"], "any_low", f"{r['answer']} {YES}", "stop") for r in rows])
        command = [sys.executable, "-c", script, str(folder), str(folder), str(__file__).rsplit("/", 1)[0]]
        peaks.append(int(subprocess.run(command, capture_output=True, text=True, check=True, env=LIBRARY).stdout))
    assert peaks[1] - peaks[0] < 80, peaks  # MB; the larger shard has 160 MB of text more
