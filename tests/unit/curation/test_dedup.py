"""Deduplication: the threshold is exact, clusters keep their best copy, nothing vanishes."""

import pickle
import random
import stat
import sys
import textwrap

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from megascience.curation import dedup
from megascience.storage.errors import InputError
from megascience.storage.parquet import read_records, read_table, write_records
from owned import SCHEMAS

# One row a band: a pair of similarity 0.6 is missed with probability 0.4**128, so that results can be compared exactly.
SURE = {"threshold": 0.6, "bands": 128, "rows": 1}


def pair(qa_id, question, standard="low", answer="An answer."):
    return {"qa_id": qa_id, "standard": standard, "question": question, "answer": answer}


def run(folder, shards, *, cluster=SURE, **sketch):
    """Sketch, cluster and select shards (name → rows); return the kept ids and duplicates {id: (of, similarity)}."""
    for name, rows in shards.items():
        write_records(folder / f"{name}.in", rows, SCHEMAS["extract"])
        dedup.sketch_shard([folder / f"{name}.in"], folder / f"{name}.sketch", **sketch)
    files = {ending: {n: folder / f"{n}.{ending}" for n in shards} for ending in ("sketch", "keep")}
    dedup.cluster_shards(files["sketch"], files["keep"], **cluster)
    kept, gone = [], {}
    for name, rows in shards.items():
        dedup.select_shard(
            [folder / f"{name}.in"], folder / f"{name}.keep", folder / f"{name}.out", folder / f"{name}.drop"
        )
        stay = [r["qa_id"] for r in read_records(folder / f"{name}.out", SCHEMAS["dedup"])]
        left = [r["id"] for r in read_records(folder / f"{name}.drop")]
        assert sorted(stay + left) == sorted(r["qa_id"] for r in rows)
        kept += stay
        gone |= {r["id"]: (r["duplicate_of"], r["similarity"]) for r in read_records(folder / f"{name}.keep")}
    return kept, gone


@pytest.mark.long
def test_threshold_is_inclusive_and_exact(tmp_path):
    rows = [
        pair("1", "a b c d"),
        pair("2", "a b c e"),  # 3/5 of the first
        pair("3", "p q r s t u v w x y z aa bb cc dd ee"),
        pair("4", "p q r s t u v w x y z aa nn oo pp"),  # 12/19 of the third
        pair("5", "aaa bbb ccc ddd eee"),
        pair("6", "aaa bbb ccc fff ggg"),  # 3/7
    ]
    kept, gone = run(tmp_path, {"s": rows}, shingle=1)
    assert kept == ["1", "3", "5", "6"]
    assert gone == {"2": ("1", 0.6), "4": ("3", round(12 / 19, 6))}
    kept, gone = run(tmp_path, {"s": rows}, cluster=SURE | {"threshold": 0.6 + 1e-12}, shingle=1)
    assert "2" in kept and "4" not in kept


def test_best_copy_is_high_standard_then_longer_answer_then_id(tmp_path):
    same = "one two three four five"
    kept, gone = run(
        tmp_path,
        {
            "a": [pair("1", same, "low", "the longest answer of all"), pair("2", same, "high", "short")],
            "b": [pair("3", same, "high", "longer answer"), pair("4", same, "high", "another answer"[:13])],
        },
    )
    assert kept == ["3"]
    assert gone == {"1": ("3", 1.0), "2": ("3", 1.0), "4": ("3", 1.0)}


def test_chain_does_not_drop_what_resembles_no_kept_row(tmp_path):
    rows = [pair("1", "a b c d e f"), pair("2", "b c d e f g"), pair("3", "c d e f g h")]
    kept, gone = run(tmp_path, {"s": rows}, shingle=1)
    assert kept == ["1", "3"]  # 1 and 3 share 4 of 8 words
    assert gone["2"][0] == "1"


def test_duplicate_names_the_most_similar_kept_copy(tmp_path):
    rows = [
        pair("1", "a b c d e f x", answer="longest answer"),
        pair("2", "c d e f g h", answer="long answer"),
        pair("3", "b c d e f g"),
    ]
    _, gone = run(tmp_path, {"s": rows}, shingle=1)
    assert gone == {"3": ("2", round(5 / 7, 6))}


def test_empty_one_word_and_equal_questions(tmp_path):
    rows = [pair("1", ""), pair("2", "?!"), pair("3", "Why?"), pair("4", "why"), pair("5", "Who?"), pair("6", None)]
    kept, gone = run(tmp_path, {"s": rows})
    assert kept == ["3", "5"]
    assert gone["4"] == ("3", 1.0)
    assert {i: gone[i] for i in "126"} == dict.fromkeys("126", (None, None))
    dropped = {r["id"]: (r["reason"], r["detail"]) for r in read_records(tmp_path / "s.drop")}
    assert dropped["1"] == ("empty_question", "")
    assert dropped["4"] == ("near_duplicate", "3 (similarity 1.000)")


@pytest.mark.long
def test_a_million_identical_rows_are_not_quadratic(tmp_path):
    n = 1_000_000
    ids = pa.array(np.char.zfill(np.arange(n).astype(str), 6))
    same = pa.repeat("What is the boiling point of water at sea level?", n)
    pq.write_table(pa.table({"qa_id": ids, "question": same}), tmp_path / "in")
    dedup.sketch_shard([tmp_path / "in"], tmp_path / "sketch")
    counts = dedup.cluster_shards(
        {"s": tmp_path / "sketch"}, {"s": tmp_path / "keep"}, **dedup.PRESETS["threshold"]
    )  # quadratic: days
    assert (counts["rows"], counts["duplicates"]) == (n, n - 1)
    assert set(read_table(tmp_path / "keep")["duplicate_of"].to_pylist()) == {"000000"}
    dedup.select_shard([tmp_path / "in"], tmp_path / "keep", tmp_path / "out", tmp_path / "drop")
    assert read_table(tmp_path / "out")["qa_id"].to_pylist() == ["000000"]
    assert read_table(tmp_path / "drop").num_rows == n - 1


def test_boilerplate_of_a_whole_subset_meets_the_limit_and_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(dedup, "BUCKET_LIMIT", 10)
    boilerplate = " ".join(f"word{chr(97 + i)}" for i in range(20))
    rows = [pair(f"{i:03d}", f"{boilerplate} {' '.join(letters(i, k) for k in range(20))}") for i in range(300)]
    rows.append(pair("zzz", rows[7]["question"] + " end"))
    write_records(tmp_path / "in", rows, SCHEMAS["extract"])
    dedup.sketch_shard([tmp_path / "in"], tmp_path / "sketch", shingle=1)
    counts = dedup.cluster_shards({"s": tmp_path / "sketch"}, {"s": tmp_path / "keep"}, **dedup.PRESETS["threshold"])
    assert counts["overfull_buckets"] > 0
    # The planted copy shares buckets of its own words with its origin, which stay small.
    assert [(r["id"], r["duplicate_of"]) for r in read_records(tmp_path / "keep")] == [("zzz", "007")]


def letters(row, place):
    return "".join(chr(97 + int(d)) for d in f"{row:03d}{place:02d}")


def jaccard(one, other):
    return len(one & other) / len(one | other)


WORDS = st.lists(st.sampled_from("abcdefgh"), max_size=7).map(" ".join)
ROWS = st.lists(st.tuples(WORDS, st.sampled_from(["high", "low"]), st.integers(0, 3)), max_size=14)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.sampled_from([0.3, 0.5, 0.6, 0.75, 1.0]))
def test_clusters_are_those_of_brute_force(tmp_path_factory, drawn, threshold):
    rows = [pair(f"{i:02d}", q, s, "x" * n) for i, (q, s, n) in enumerate(drawn)]
    shards = {"a": rows[::2], "b": rows[1::2]}
    folder = tmp_path_factory.mktemp("dedup")
    kept, gone = run(folder, shards, cluster=SURE | {"threshold": threshold}, shingle=1)
    words = {r["qa_id"]: frozenset(r["question"].split()) for r in rows}
    best_first = sorted(rows, key=lambda r: (r["standard"] == "low", -len(r["answer"]), r["qa_id"]))
    expected, leader = [], {}
    for row in (r["qa_id"] for r in best_first):
        if not words[row]:
            leader[row] = (None, None)
            continue
        near = [
            (jaccard(words[row], words[k]), -p, k)
            for p, k in enumerate(expected)
            if jaccard(words[row], words[k]) >= threshold
        ]
        if near:
            leader[row] = (max(near)[2], round(max(near)[0], 6))
        else:
            expected.append(row)
    assert sorted(kept) == sorted(expected)
    assert gone == leader


@pytest.mark.parametrize("similarity", [0.5, 0.7])
def test_recall_follows_the_s_curve(tmp_path, similarity):
    random_ = random.Random(1)
    rows, n, shared = [], 1500, round(60 * 2 * similarity / (1 + similarity))
    for i in range(n):
        words = ["".join(random_.choices("abcdefghijklmnopqrst", k=9)) for _ in range(120 - shared)]
        rows += [pair(f"{i:04d}a", " ".join(words[:60])), pair(f"{i:04d}b", " ".join(words[60 - shared :]))]
    _, gone = run(tmp_path, {"s": rows}, cluster={"threshold": 0.4, "bands": 8, "rows": 4}, shingle=1)
    exact = shared / (120 - shared)
    expected = dedup.recall(exact, 8, 4)
    assert abs(len(gone) / n - expected) < 4 * np.sqrt(expected * (1 - expected) / n)
    assert {s for _, s in gone.values()} == {round(exact, 6)}


def test_stated_recall_and_the_choice_of_bands():
    assert dedup.recall(0.6, **{k: dedup.PRESETS["threshold"][k] for k in ("bands", "rows")}) > 0.988
    assert dedup.recall(0.6, **{k: dedup.PRESETS["paper_released"][k] for k in ("bands", "rows")}) == pytest.approx(
        0.6**10
    )
    assert dedup.choose_bands(0.6, 128) == (32, 4)
    assert dedup.choose_bands(0.9, 128)[1] > 4
    with pytest.raises(InputError, match="8 permutations cannot reach recall"):
        dedup.choose_bands(0.1, 8)


def test_settings_of_a_preset_follow_the_threshold():
    assert dedup.lsh_settings("threshold", 0.6) == dedup.PRESETS["threshold"]
    assert dedup.lsh_settings("paper_released", 0.6) == dedup.PRESETS["paper_released"]
    other = dedup.lsh_settings("threshold", 0.8)
    assert other["threshold"] == 0.8
    assert dedup.recall(0.8, other["bands"], other["rows"]) >= 0.98 > dedup.recall(0.5, other["bands"], other["rows"])
    with pytest.raises(InputError, match="no preset 'paper'; known: threshold, paper_released"):
        dedup.lsh_settings("paper")


def test_released_preset_merges_by_one_band_and_checks_nothing(tmp_path):
    random_ = random.Random(2)
    rows = []
    for i in range(300):
        words = ["".join(random_.choices("abcdefghijklmnopqrst", k=9)) for _ in range(44)]
        rows += [pair(f"{i:03d}a", " ".join(words[:40])), pair(f"{i:03d}b", " ".join(words[4:]))]  # similarity 36/44
    _, gone = run(tmp_path, {"s": rows}, cluster=dedup.PRESETS["paper_released"], shingle=1)
    expected = dedup.recall(36 / 44, 1, 10)  # 0.13, where the threshold would merge all
    assert abs(len(gone) / 300 - expected) < 4 * np.sqrt(expected / 300)


def test_unchanged_shards_keep_their_bytes(tmp_path):
    shards = {
        "a": [pair("1", "a b c d e"), pair("2", "a b c d f e")],
        "b": [pair("3", "k l m n o p"), pair("4", "")],
        "c": [pair("5", "q r s t u v")],
    }
    run(tmp_path, shards, shingle=1)
    before = {n: (tmp_path / f"{n}.keep").read_bytes() for n in shards}
    run(
        tmp_path, {**shards, "c": [pair("5", "something else altogether"), pair("6", "k l m n o p", "high")]}, shingle=1
    )
    after = {n: (tmp_path / f"{n}.keep").read_bytes() for n in shards}
    assert after["a"] == before["a"]
    assert after["b"] != before["b"]  # its row 3 now has a better copy in c
    run(tmp_path, shards, shingle=1)
    assert {n: (tmp_path / f"{n}.keep").read_bytes() for n in shards} == before


def test_sources_without_standard_or_answer(tmp_path):
    table = pa.table({"id": ["b", "a", "c"], "prompt": ["x y z"] * 3, "score": [1.0, None, 2.5]})
    pq.write_table(table, tmp_path / "in")
    for prefer, best in (
        ({}, "a"),
        (None, "a"),
        ({"score": "highest"}, "c"),
        ({"score": "lowest"}, "b"),
        ({"id": ["b"]}, "b"),
    ):
        dedup.sketch_shard([tmp_path / "in"], tmp_path / "sketch", text_column="prompt", prefer=prefer)
        dedup.cluster_shards({"s": tmp_path / "sketch"}, {"s": tmp_path / "keep"}, **SURE)
        dedup.select_shard([tmp_path / "in"], tmp_path / "keep", tmp_path / "out", tmp_path / "drop")
        kept = read_table(tmp_path / "out")
        assert kept["id"].to_pylist() == [best]
        assert kept.column_names == table.column_names


def test_ids_that_are_numbers(tmp_path):
    pq.write_table(pa.table({"id": [7, 8, 9], "question": ["a b", "a b", "c"]}), tmp_path / "in")
    dedup.sketch_shard([tmp_path / "in"], tmp_path / "sketch")
    dedup.cluster_shards({"s": tmp_path / "sketch"}, {"s": tmp_path / "keep"}, **SURE)
    dedup.select_shard([tmp_path / "in"], tmp_path / "keep", tmp_path / "out", tmp_path / "drop")
    assert read_table(tmp_path / "out")["id"].to_pylist() == [7, 9]
    assert [r["id"] for r in read_records(tmp_path / "drop")] == ["8"]


def test_no_rows_at_all(tmp_path):
    assert run(tmp_path, {"a": [], "b": []}) == ([], {})
    assert run(tmp_path, {"a": [], "b": [pair("1", "x")]}) == (["1"], {})


class TestSemantic:
    ROWS = (
        pair("1", "alpha beta", answer="longest answer"),
        pair("2", "gamma delta", answer="long answer"),
        pair("3", "gamma delta", answer="short"),  # a duplicate of 2 by its words
        pair("4", "epsilon zeta"),
        pair("5", ""),
    )
    VECTORS = np.array([[1, 0], [0.96, 0.28], [0, 1], [0, 1], [0, 1]], np.float16)

    def cluster(self, tmp_path, rows=ROWS, embeddings=VECTORS, cut=2, **settings):
        sketches, keep_lists, vectors = {}, {}, {}
        for name, part in (("a", slice(0, cut)), ("b", slice(cut, None))):
            write_records(tmp_path / f"{name}.in", rows[part], SCHEMAS["extract"])
            dedup.sketch_shard([tmp_path / f"{name}.in"], tmp_path / f"{name}.sketch")
            np.save(tmp_path / f"{name}.npy", embeddings[part])
            ids = pa.schema([pa.field("id", pa.string())])
            write_records(tmp_path / f"{name}.ids", [{"id": r["qa_id"]} for r in rows[part]], ids)
            sketches[name], keep_lists[name] = tmp_path / f"{name}.sketch", tmp_path / f"{name}.keep"
            vectors[name] = tmp_path / f"{name}.npy", tmp_path / f"{name}.ids"
        dedup.cluster_shards(sketches, keep_lists, **(SURE | {"vectors": vectors} | settings))
        rows = [r for n in "ab" for r in read_records(tmp_path / f"{n}.keep")]
        return {r["id"]: (r["duplicate_of"], r["similarity"], r["measure"]) for r in rows}

    def test_near_embeddings_join_what_shares_no_word(self, tmp_path):
        words_only = {"3": ("2", 1.0, "jaccard"), "5": (None, None, None)}
        assert self.cluster(tmp_path) == words_only
        assert self.cluster(tmp_path, semantic_threshold=0.97) == words_only
        near = self.cluster(tmp_path, semantic_threshold=0.95)
        # 4 is as near to 3, but 3 is gone; 3 still names the row whose words it has.
        assert near == words_only | {"2": ("1", pytest.approx(0.96, abs=1e-3), "cosine")}
        dedup.select_shard([tmp_path / "a.in"], tmp_path / "a.keep", tmp_path / "kept", tmp_path / "dropped")
        assert [r["detail"] for r in read_records(tmp_path / "dropped")] == ["1 (cosine similarity 0.960)"]

    @pytest.mark.parametrize("cut", [0, 3, 20])
    def test_joins_are_those_of_brute_force(self, tmp_path, cut):
        rng = np.random.default_rng(4)
        vectors = rng.standard_normal((20, 4)).astype(np.float32)
        vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
        rows = [pair(f"{i:02d}", f"word{chr(97 + i)}", answer="x" * int(rng.integers(1, 9))) for i in range(20)]
        found = self.cluster(tmp_path, rows, vectors, cut, semantic_threshold=0.7)
        exact = np.round(vectors.astype(np.float32) @ vectors.astype(np.float32).T, 4)
        kept, expected = [], {}
        for i in sorted(range(20), key=lambda i: (-len(rows[i]["answer"]), i)):
            near = [(exact[i, j], -p, j) for p, j in enumerate(kept) if exact[i, j] >= 0.7]
            if near:
                expected[f"{i:02d}"] = f"{max(near)[2]:02d}"
            else:
                kept.append(i)
        assert {i: of for i, (of, _, _) in found.items()} == expected
        assert 3 < len(kept) < 17

    def test_embeddings_of_other_rows_or_none(self, tmp_path):
        with pytest.raises(InputError, match="needs the embeddings of every shard"):
            self.cluster(tmp_path, semantic_threshold=0.9, vectors=None)
        exchanged = {n: (tmp_path / f"{m}.npy", tmp_path / f"{m}.ids") for n, m in ("ab", "ba")}
        with pytest.raises(InputError, match=r"b.ids: its ids are not those of the shard's sketch"):
            self.cluster(tmp_path, semantic_threshold=0.9, vectors=exchanged)


class TestBadInput:
    def sketch(self, path, rows, **settings):
        write_records(path.with_suffix(".in"), rows, SCHEMAS["extract"])
        dedup.sketch_shard([path.with_suffix(".in")], path, **settings)
        return path

    def cluster(self, tmp_path, sketches, **settings):
        dedup.cluster_shards(sketches, {n: tmp_path / f"{n}.keep" for n in sketches}, **(SURE | settings))

    def test_sketches_of_different_settings(self, tmp_path):
        sketches = {"a": self.sketch(tmp_path / "a", [pair("1", "x")]), "b": self.sketch(tmp_path / "b", [], shingle=2)}
        with pytest.raises(InputError, match=r"b: its shingle is not that of .*a; delete both"):
            self.cluster(tmp_path, sketches)

    def test_id_in_two_shards(self, tmp_path):
        sketches = {n: self.sketch(tmp_path / n, [pair("1", n), pair(n, n)]) for n in "ab"}
        with pytest.raises(InputError, match=r"id '1' comes twice, in .*a and .*b"):
            self.cluster(tmp_path, sketches)

    def test_too_few_permutations(self, tmp_path):
        sketch = self.sketch(tmp_path / "a", [pair("1", "x")], permutations=64)
        with pytest.raises(InputError, match="128 bands of 1 rows need 128 permutations"):
            self.cluster(tmp_path, {"a": sketch})

    def test_not_a_sketch_and_not_parquet(self, tmp_path):
        write_records(tmp_path / "a", [pair("1", "x")], SCHEMAS["extract"])
        with pytest.raises(InputError, match="a: not a sketch"):
            self.cluster(tmp_path, {"a": tmp_path / "a"})
        (tmp_path / "b").write_bytes((tmp_path / "a").read_bytes()[:40])
        with pytest.raises(InputError, match="b: not a readable Parquet file"):
            dedup.sketch_shard([tmp_path / "b"], tmp_path / "c")

    def test_missing_column_and_malformed_preference(self, tmp_path):
        write_records(tmp_path / "a", [pair("1", "x")], SCHEMAS["extract"])
        with pytest.raises(InputError, match=r"a: column 'prompt' is missing \(it has qa_id, "):
            dedup.sketch_shard([tmp_path / "a"], tmp_path / "b", text_column="prompt")
        with pytest.raises(InputError, match="prefer: answer: 'best' is neither"):
            dedup.sketch_shard([tmp_path / "a"], tmp_path / "b", prefer={"answer": "best"})

    def test_keep_list_of_other_records(self, tmp_path):
        run(tmp_path, {"s": [pair("1", "x"), pair("2", "x")]})
        write_records(tmp_path / "other", [pair("1", "x")], SCHEMAS["extract"])
        with pytest.raises(InputError, match="s.keep: id '2' is not in the records"):
            dedup.select_shard([tmp_path / "other"], tmp_path / "s.keep", tmp_path / "k", tmp_path / "d")

    def test_unknown_engine(self, tmp_path):
        sketch = self.sketch(tmp_path / "a", [pair("1", "x")])
        with pytest.raises(InputError, match="engine 'simhash' is neither"):
            self.cluster(tmp_path, {"a": sketch}, engine="simhash")


# Stands for text-dedup 0.4.0: joins rows with the same first word, and leaves its union-find as the real one does.
STUB = """
import pickle, pathlib, sys
import pyarrow.parquet as pq
sys.path.insert(0, {package!r})
from text_dedup.utils.union_find import UnionFind
flags = dict(zip(sys.argv[1:-1:2], sys.argv[2::2]))
assert sys.argv[-1] == "--debug" and flags["--b"] == "32" and flags["--num_perm"] == "128", sys.argv
texts = pq.read_table(flags["--data_files"])["text"].to_pylist()
found, first = UnionFind(), {{}}
found.parent = {{}}
for row, text in enumerate(texts):
    found.parent[row] = found.parent.get(row - 1, row) if row and text[0] == texts[row - 1][0] else row
out = pathlib.Path(flags["--output"])
out.mkdir()
(out / "uf.pkl").write_bytes({content})
"""


class TestTextDedup:
    def engine(self, tmp_path, content="pickle.dumps(found)"):
        package = tmp_path / "package" / "text_dedup" / "utils"
        package.mkdir(parents=True)
        (package / "union_find.py").write_text("class UnionFind:\n    pass\n")
        (tmp_path / "stub.py").write_text(
            textwrap.dedent(STUB.format(package=str(tmp_path / "package"), content=content))
        )
        return [sys.executable, str(tmp_path / "stub.py")]

    def cluster(self, tmp_path, command, rows, **changes):
        write_records(tmp_path / "in", rows, SCHEMAS["extract"])
        dedup.sketch_shard([tmp_path / "in"], tmp_path / "sketch", shingle=1)
        arguments = dedup.PRESETS["threshold"] | {"records": {"s": [tmp_path / "in"]}} | changes
        files = {"s": tmp_path / "sketch"}, {"s": tmp_path / "keep"}
        dedup.cluster_shards(*files, engine="text-dedup", command=command, **arguments)
        return {r["id"]: r["duplicate_of"] for r in read_records(tmp_path / "keep")}

    ROWS = (pair("1", "a b c d"), pair("0", ""), pair("2", "a b c e"), pair("3", "a x y z"), pair("4", "b x y z"))

    def test_its_candidates_are_checked_as_ours_are(self, tmp_path):
        # The stub joins 1, 2 and 3; 3 does not reach the threshold, and 4 resembles 3 but is not a candidate.
        found = self.cluster(tmp_path, self.engine(tmp_path), list(self.ROWS))
        assert found == {"0": None, "2": "1"}

    def test_unchecked_as_released(self, tmp_path):
        found = self.cluster(tmp_path, self.engine(tmp_path), list(self.ROWS), threshold=None)
        assert found == {"0": None, "2": "1", "3": "1"}

    def test_no_other_class_is_unpickled(self, tmp_path):
        command = self.engine(tmp_path, "pickle.dumps(pathlib.PurePosixPath('x'))")
        with pytest.raises(InputError, match=r"union-find of another version \(pathlib.*PurePosixPath is not expected"):
            self.cluster(tmp_path, command, list(self.ROWS))

    def test_command_that_fails_or_is_not_there(self, tmp_path):
        script = tmp_path / "fails"
        script.write_text("#!/bin/sh\necho no memory >&2\nexit 3\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        with pytest.raises(InputError, match="failed with status 3: no memory"):
            self.cluster(tmp_path, [str(script)], list(self.ROWS))
        with pytest.raises(InputError, match="cannot start text-dedup .*set its command"):
            self.cluster(tmp_path, [str(tmp_path / "nowhere")], list(self.ROWS))

    def test_records_of_another_shard(self, tmp_path):
        write_records(tmp_path / "other", [pair("9", "x")], SCHEMAS["extract"])
        with pytest.raises(InputError, match="the records of shard s are not those of its sketch"):
            self.cluster(tmp_path, ["true"], list(self.ROWS), records={"s": [tmp_path / "other"]})


def test_pickle_of_a_plain_value_is_refused(tmp_path):
    from megascience.curation.text_dedup import _Unpickler

    with open(tmp_path / "x", "wb") as handle:
        pickle.dump(print, handle)
    with open(tmp_path / "x", "rb") as handle, pytest.raises(pickle.UnpicklingError, match=r"builtins.print"):
        _Unpickler(handle).load()
