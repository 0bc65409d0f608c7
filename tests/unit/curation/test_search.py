"""Search: the nearest items are the nearest, and shared n-grams are found, whatever the blocks."""

import numpy as np
import pyarrow as pa
import pytest
from megascience.curation import search
from megascience.evaluation.schemas import ITEMS
from megascience.storage.errors import InputError
from megascience.storage.ids import content_id
from megascience.storage.parquet import read_records, write_records
from owned import SCHEMAS

IDS = pa.schema([pa.field("id", pa.string())])
KEYS = pa.schema([pa.field("id", pa.string()), pa.field("benchmark", pa.string())])


def unit(rng, n, dimensions=16):
    vectors = rng.standard_normal((n, dimensions))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


class Case:
    """Rows, items and their embeddings on disk."""

    def __init__(self, folder, questions, items, *, queries=None, index=None, seed=0):
        rng = np.random.default_rng(seed)
        self.folder = folder
        self.queries = unit(rng, len(questions)) if queries is None else queries
        self.index = unit(rng, len(items)) if index is None else index
        self.keys = [(f"bench{i % 2}", f"item{i:03d}") for i in range(len(items))]
        rows = [{"qa_id": f"q{i:03d}", "question": q} for i, q in enumerate(questions)]
        write_records(folder / "rows", rows, SCHEMAS["filter"])
        np.save(folder / "rows.npy", self.queries)
        write_records(folder / "rows.ids", [{"id": r["qa_id"]} for r in rows], IDS)
        listed = [{"benchmark": b, "item_id": i, "question": q} for (b, i), q in zip(self.keys, items, strict=True)]
        write_records(folder / "items", listed, ITEMS)
        np.save(folder / "items.npy", self.index)
        write_records(folder / "items.ids", [{"id": i, "benchmark": b} for b, i in self.keys], KEYS)

    def run(self, **settings):
        settings = {"index": [(self.folder / "items.npy", self.folder / "items.ids")], "k": 5, "ngram": 0} | settings
        search.search_shard(
            [self.folder / "rows"],
            self.folder / "rows.npy",
            self.folder / "rows.ids",
            items=[self.folder / "items"],
            output=self.folder / "out",
            **settings,
        )
        return read_records(self.folder / "out", SCHEMAS["search"])


def words(rng, n):
    return " ".join("".join(rng.choice(list("abcdefghijklmnop"), 7)) for _ in range(n))


@pytest.mark.parametrize(("query_block", "index_block"), [(1000, 1000), (7, 1000), (1000, 9), (6, 4), (1, 1)])
def test_top_k_is_that_of_brute_force_in_any_blocks(tmp_path, query_block, index_block):
    case = Case(tmp_path, [f"q {i}" for i in range(20)], [f"item {i}" for i in range(31)])
    found = case.run(query_block=query_block, index_block=index_block)
    exact = case.queries.astype(np.float32) @ case.index.astype(np.float32).T
    assert len(found) == 20 * 5
    for row in range(20):
        own = [r for r in found if r["qa_id"] == f"q{row:03d}"]
        nearest = np.argsort(-exact[row])[:5]
        assert {(r["benchmark"], r["item_id"]) for r in own} == {case.keys[i] for i in nearest}
        assert [r["similarity"] for r in own] == sorted((r["similarity"] for r in own), reverse=True)
        for r in own:
            i = case.keys.index((r["benchmark"], r["item_id"]))
            assert r["similarity"] == pytest.approx(exact[row, i], abs=1e-4)
            assert r["question"] == f"q {row}" and r["item_question"] == f"item {i}"
            assert r["pair_id"] == content_id(r["qa_id"], r["benchmark"], r["item_id"])


def test_blocks_do_not_change_a_byte(tmp_path):
    case = Case(tmp_path, [f"q {i}" for i in range(20)], [f"item {i}" for i in range(31)])
    case.run()
    first = (tmp_path / "out").read_bytes()
    case.run(query_block=3, index_block=8)
    assert (tmp_path / "out").read_bytes() == first


def test_index_of_several_parts(tmp_path):
    case = Case(tmp_path, ["q"] * 6, [f"item {i}" for i in range(11)])
    whole = case.run()
    for name, part in (("one", slice(0, 4)), ("none", slice(4, 4)), ("two", slice(4, 11))):
        np.save(tmp_path / f"{name}.npy", case.index[part])
        write_records(tmp_path / f"{name}.ids", [{"id": i, "benchmark": b} for b, i in case.keys[part]], KEYS)
    parts = [(tmp_path / f"{n}.npy", tmp_path / f"{n}.ids") for n in ("one", "none", "two")]
    assert case.run(index=parts) == whole


def test_gpu_gives_what_the_cpu_gives(tmp_path, monkeypatch):
    import faiss

    def knn_gpu(resources, queries, items, k, *, metric, device):
        assert (resources, metric, device) == ("resources", faiss.METRIC_INNER_PRODUCT, 1)
        return faiss.knn(queries, items, k, metric=metric)

    case = Case(tmp_path, ["q"] * 6, [f"item {i}" for i in range(11)])
    expected = case.run()
    monkeypatch.setattr(faiss, "StandardGpuResources", lambda: "resources", raising=False)
    monkeypatch.setattr(faiss, "knn_gpu", knn_gpu, raising=False)
    assert case.run(device="cuda:1", index_block=4) == expected


def test_of_an_items_embeddings_the_nearest_counts(tmp_path):
    """An item with options stands twice in the index; it takes one place of the k, with its better similarity."""
    index = np.zeros((5, 16), np.float16)
    index[:3] = np.eye(16)[:3]  # item000 to item002 with their options
    index[3] = np.eye(16)[5]  # item000 and item002 once more without
    index[4] = np.eye(16)[2] * 0.8 + np.eye(16)[6] * 0.6
    query = np.eye(16)[5] * 0.8 + np.eye(16)[2] * 0.6
    text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    case = Case(tmp_path, [text], ["first", text, "third"], queries=query[None].astype(np.float16), index=index[:3])
    np.save(tmp_path / "items.npy", index)
    ids = [*case.keys, case.keys[0], case.keys[2]]
    write_records(tmp_path / "items.ids", [{"id": i, "benchmark": b} for b, i in ids], KEYS)
    found = [(r["item_id"], r["similarity"]) for r in case.run(k=2)]
    assert found == [("item000", pytest.approx(0.8, abs=1e-3)), ("item002", pytest.approx(0.6, abs=1e-3))]
    found = [(r["item_id"], r["similarity"]) for r in case.run(k=1, ngram=13)]
    assert found == [("item000", pytest.approx(0.8, abs=1e-3)), ("item001", 0.0)], "the second by its n-grams"
    assert len(case.run(k=5)) == 3


def test_fewer_items_than_k_and_no_rows_and_no_items(tmp_path):
    assert len(Case(tmp_path, ["q"] * 3, ["a", "b"]).run(ngram=13)) == 6
    assert Case(tmp_path, [], ["a", "b"]).run(ngram=13) == []
    assert Case(tmp_path, ["q"] * 3, []).run(ngram=13) == []


def test_empty_and_one_word_questions(tmp_path):
    items = ["what is the heat of fusion of ice at one atmosphere of pressure", "Why?", ""]
    case = Case(tmp_path, ["", "Why?", "?!", None], items)
    found = case.run(ngram=13, k=3)
    assert [r["qa_id"] for r in found] == [f"q{i:03d}" for i in range(4) for _ in range(3)]
    hits = [(r["qa_id"], r["item_id"]) for r in found if r["ngram_overlap"]]
    assert hits == [("q001", "item001")], "the same text is found whatever its length, an empty one nowhere"
    assert {r["question"] for r in found if r["qa_id"] == "q003"} == {""}


def test_shared_ngrams_join_whatever_the_embedding_says(tmp_path):
    rng = np.random.default_rng(5)
    items = [words(rng, 30) for _ in range(12)]
    long = f"{words(rng, 200)} {items[7].upper()} {words(rng, 200)}"  # an item among other text
    half = " ".join(items[8].split()[:20])  # 8 of its 18 n-grams
    short = "who first measured the speed of sound in water"  # nine words, looked for as a whole
    items.append(short.capitalize() + "?")
    questions = [long, half, f"Tell me, {short}, and where?", words(rng, 30)]
    index = np.zeros((13, 16), np.float16)
    index[:, 0] = 1
    index[7:9] = np.eye(16)[1]  # far from every row
    index[12] = np.eye(16)[2]
    queries = np.tile(index[0], (4, 1))
    case = Case(tmp_path, questions, items, queries=queries, index=index)
    found = case.run(ngram=13, k=3)
    overlap = {(r["qa_id"], r["item_id"]): r["ngram_overlap"] for r in found if r["ngram_overlap"]}
    assert overlap == {
        ("q000", "item007"): 1.0,
        ("q001", "item008"): round(8 / 18, 4),
        ("q002", "item012"): 1.0,
    }
    assert len(found) == 4 * 3 + 3
    assert {r["similarity"] for r in found if r["ngram_overlap"]} == {0.0}
    assert case.run(ngram=0, k=3) == [r for r in found if not r["ngram_overlap"]]


def test_an_ngram_of_very_many_items_points_at_none(tmp_path):
    rng = np.random.default_rng(6)
    phrase = "which one of the following statements about the matter at hand is really true"
    items = [f"{phrase} {words(rng, 8)}" for _ in range(search.COMMON + 1)]
    hits = search.ngram_hits([f"{phrase} {words(rng, 8)}", items[3]], items, 13, 5)
    assert hits[0] == {}
    assert list(hits[1]) == [3]
    assert 0 < hits[1][3] < 1


def test_at_most_so_many_hits_the_fullest_first(tmp_path):
    rng = np.random.default_rng(7)
    text = words(rng, 40).split()
    items = [" ".join(text[: 14 + i]) + " " + words(rng, 20) for i in range(8)]
    hits = search.ngram_hits([" ".join(text)], items, 13, 3)[0]
    assert list(hits) == [7, 6, 5]
    assert hits[7] == pytest.approx(9 / 29)


def test_floor_marks_what_the_judge_need_not_see(tmp_path):
    rng = np.random.default_rng(8)
    items = [words(rng, 20), words(rng, 20), words(rng, 20)]
    index = np.eye(16)[:3].astype(np.float16)
    query = (np.eye(16)[0] * 0.8 + np.eye(16)[1] * 0.6)[None].astype(np.float16)
    case = Case(tmp_path, [items[2]], items, queries=query, index=index)
    found = {r["item_id"]: (r["similarity"], r["skipped"]) for r in case.run(ngram=13, similarity_floor=0.7)}
    assert found == {
        "item000": (0.7998, False),
        "item001": (0.6001, True),
        "item002": (0.0, False),
    }  # the last by n-gram


class TestBadInput:
    @pytest.fixture
    def case(self, tmp_path):
        return Case(tmp_path, ["one", "two"], ["a", "b", "c"])

    def test_embeddings_of_other_rows(self, case, tmp_path):
        write_records(tmp_path / "rows.ids", [{"id": "q001"}, {"id": "q000"}], IDS)
        with pytest.raises(InputError, match=r"rows.ids: its ids are not those of .*rows in the same order"):
            case.run()

    def test_nan(self, case, tmp_path):
        case.index[2, 3] = np.nan
        np.save(tmp_path / "items.npy", case.index)
        with pytest.raises(InputError, match=r"items.npy: row 3 is not a number"):
            case.run()
        case.queries[1] = np.nan
        np.save(tmp_path / "rows.npy", case.queries)
        np.save(tmp_path / "items.npy", np.nan_to_num(case.index))
        with pytest.raises(InputError, match=r"rows.npy: row 2 is not a number"):
            case.run()

    def test_other_dimensions(self, case, tmp_path):
        np.save(tmp_path / "rows.npy", case.queries[:, :8])
        with pytest.raises(InputError, match=r"rows.npy: 8 dimensions, the index has 16"):
            case.run()

    def test_items_without_a_field(self, case, tmp_path):
        write_records(tmp_path / "items", [{"id": "x", "benchmark": "b"}], KEYS)
        with pytest.raises(InputError, match=r"items: column 'item_id' is missing"):
            case.run()

    def test_item_that_is_not_in_the_index(self, case, tmp_path):
        rows = read_records(tmp_path / "items")
        write_records(tmp_path / "items", [*rows, {**rows[0], "item_id": "new"}], ITEMS)
        with pytest.raises(InputError, match=r"item \('bench0', 'new'\) is not both in the items and in the index"):
            case.run()

    def test_item_id_twice(self, case, tmp_path):
        rows = read_records(tmp_path / "items")
        write_records(tmp_path / "items", [*rows, {**rows[0], "question": "another"}], ITEMS)
        with pytest.raises(InputError, match=r"item 'item000' of 'bench0' comes twice"):
            case.run()

    def test_index_without_benchmarks(self, case, tmp_path):
        write_records(tmp_path / "items.ids", [{"id": i} for _, i in case.keys], IDS)
        with pytest.raises(InputError, match=r"items.ids: column 'benchmark' is missing"):
            case.run()

    def test_gpu_without_gpu_library(self, case):
        with pytest.raises(InputError, match="device 'cuda' needs faiss-gpu"):
            case.run(device="cuda")
