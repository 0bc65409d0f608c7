"""Embeddings: order, ids, unit length, and what stops them."""

import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from megascience.curation import embed
from megascience.evaluation.schemas import ITEMS
from megascience.storage.errors import InputError
from megascience.storage.parquet import read_metadata, write_records
from owned import SCHEMAS


class Encoder:
    """Stands for a sentence-transformers model: a direction that depends on the text alone."""

    def __init__(self, dimensions=8):
        self.dimensions = dimensions
        self.seen = []

    def get_embedding_dimension(self):
        return self.dimensions

    def encode(self, texts, *, batch_size, normalize_embeddings, convert_to_numpy, show_progress_bar):
        assert normalize_embeddings and convert_to_numpy
        self.seen += texts
        vectors = np.stack([self.vector(text) for text in texts])
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)

    def vector(self, text):
        if text == "zero":
            return np.zeros(self.dimensions)
        if text == "nan":
            return np.full(self.dimensions, np.nan)
        return np.random.default_rng(zlib.crc32(text.encode())).standard_normal(self.dimensions)


@pytest.fixture
def encoder(monkeypatch):
    encoder = Encoder()
    monkeypatch.setattr(embed, "load_encoder", lambda path, device: encoder)
    return encoder


def run(tmp_path, *files, **settings):
    embed.embed_shard(list(files), tmp_path / "v.npy", tmp_path / "v.ids", model_path="model", **settings)
    return embed.open_vectors(tmp_path / "v.npy", tmp_path / "v.ids")


def test_rows_of_all_files_in_order(tmp_path, encoder, monkeypatch):
    monkeypatch.setattr(embed, "_CHUNK", 2)
    questions = [f"question {i}" for i in range(7)]
    for name, part in (("a", slice(0, 5)), ("b", slice(5, 7))):
        rows = [{"qa_id": f"id{q[-1]}", "question": q} for q in questions[part]]
        write_records(tmp_path / name, rows, SCHEMAS["filter"])
    vectors, ids = run(tmp_path, tmp_path / "a", tmp_path / "b")
    assert ids.column_names == ["id"]
    assert ids["id"].to_pylist() == [f"id{i}" for i in range(7)]
    assert vectors.dtype == np.float16
    assert isinstance(vectors, np.memmap)
    expected = np.stack([encoder.vector(q) / np.linalg.norm(encoder.vector(q)) for q in questions])
    np.testing.assert_allclose(vectors, expected, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(vectors.astype(float), axis=1), 1, atol=2e-3)
    again = (tmp_path / "v.npy").read_bytes()
    run(tmp_path, tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "v.npy").read_bytes() == again


def test_items_bring_their_options_and_their_benchmark(tmp_path, encoder):
    rows = [
        {"item_id": "1", "benchmark": "b", "question": "Which?", "options": ["this", "that"]},
        {"item_id": "2", "benchmark": "c", "question": "How many?", "options": None},
        {"item_id": "3", "benchmark": "c", "question": "None?", "options": []},
    ]
    write_records(tmp_path / "items", rows, ITEMS)
    _, ids = run(tmp_path, tmp_path / "items")
    assert encoder.seen == ["Which?\nA. this\nB. that", "How many?", "None?"]
    assert ids.to_pylist() == [{"id": r["item_id"], "benchmark": r["benchmark"]} for r in rows]


def test_items_with_options_are_embedded_without_them_too(tmp_path, encoder):
    rows = [
        {"item_id": "1", "benchmark": "b", "question": "Which?", "options": ["this", "that"]},
        {"item_id": "2", "benchmark": "c", "question": "How many?", "options": None},
        {"item_id": "3", "benchmark": "c", "question": "None?", "options": []},
        {"item_id": "4", "benchmark": "c", "question": "What?", "options": ["it"]},
    ]
    write_records(tmp_path / "items", rows, ITEMS)
    vectors, ids = run(tmp_path, tmp_path / "items", bare=True)
    assert encoder.seen == ["Which?\nA. this\nB. that", "How many?", "None?", "What?\nA. it", "Which?", "What?"]
    assert ids["id"].to_pylist() == ["1", "2", "3", "4", "1", "4"]
    assert ids["benchmark"].to_pylist() == ["b", "c", "c", "c", "b", "c"]
    assert len(vectors) == 6


def test_several_text_columns(tmp_path, encoder):
    pq.write_table(pa.table({"n": [7, 8], "a": ["x", None], "b": ["y", "z"]}), tmp_path / "in")
    _, ids = run(tmp_path, tmp_path / "in", text_columns=["a", "b"])
    assert encoder.seen == ["x\n\ny", "z"]
    assert ids["id"].to_pylist() == ["7", "8"]


def test_empty_shard(tmp_path, encoder):
    write_records(tmp_path / "in", [], SCHEMAS["filter"])
    vectors, ids = run(tmp_path, tmp_path / "in")
    assert vectors.shape == (0, 8)
    assert len(ids) == 0


@pytest.mark.parametrize("text", ["zero", "nan"])
def test_an_embedding_that_is_no_direction(tmp_path, encoder, text):
    rows = [{"qa_id": f"id{i}", "question": q} for i, q in enumerate(["fine", text])]
    write_records(tmp_path / "in", rows, SCHEMAS["filter"])
    with pytest.raises(InputError, match=r"in: row 2 \(id id1\): its embedding is zero or not a number"):
        run(tmp_path, tmp_path / "in")
    assert not (tmp_path / "v.npy").exists()
    assert not list(tmp_path.glob(".v.npy*"))


def test_missing_column_and_missing_model(tmp_path, encoder, monkeypatch):
    write_records(tmp_path / "in", [], SCHEMAS["filter"])
    with pytest.raises(InputError, match=r"in: column 'prompt' is missing"):
        run(tmp_path, tmp_path / "in", text_columns=["prompt"])
    monkeypatch.undo()
    with pytest.raises(InputError, match="nowhere: no such folder"):
        embed.load_encoder(str(tmp_path / "nowhere"), "cpu")


def test_vectors_that_do_not_belong_to_the_ids(tmp_path, encoder):
    rows = [{"qa_id": str(i), "question": str(i)} for i in range(3)]
    write_records(tmp_path / "in", rows, SCHEMAS["filter"])
    run(tmp_path, tmp_path / "in")
    write_records(tmp_path / "v.ids", [{"id": "0"}], pa.schema([pa.field("id", pa.string())]))
    with pytest.raises(InputError, match=r"v.npy: \(3, 8\) embeddings do not belong to the 1 ids"):
        embed.open_vectors(tmp_path / "v.npy", tmp_path / "v.ids")
    (tmp_path / "v.npy").write_bytes((tmp_path / "v.npy").read_bytes()[:100])
    with pytest.raises(InputError, match="v.npy: not a readable .npy file"):
        embed.open_vectors(tmp_path / "v.npy", tmp_path / "v.ids")


def test_blocks_name_the_row_that_is_not_a_number():
    array = np.ones((5, 3), np.float16)
    array[3, 1] = np.nan
    blocks = embed.blocks(array, 2, "file.npy")
    start, block = next(blocks)
    assert (start, block.shape, block.dtype) == (0, (2, 3), np.float32)
    with pytest.raises(InputError, match=r"file.npy: row 4 is not a number"):
        next(blocks)


@pytest.mark.model
def test_a_real_model_puts_a_paraphrase_nearest(tmp_path, models):
    texts = [
        "How many chambers does the human heart have?",
        "The heart of a human being is divided into how many chambers?",
        "What is the derivative of the sine function?",
    ]
    rows = [{"qa_id": str(i), "question": q} for i, q in enumerate(texts)]
    write_records(tmp_path / "in", rows, SCHEMAS["filter"])
    embed.embed_shard([tmp_path / "in"], tmp_path / "v.npy", tmp_path / "v.ids", model_path=models / "minilm")
    vectors, _ = embed.open_vectors(tmp_path / "v.npy", tmp_path / "v.ids")
    similarity = vectors.astype(np.float32) @ vectors.astype(np.float32).T
    assert similarity[0, 1] > 0.8 > 0.5 > similarity[0, 2]
    footer = read_metadata(tmp_path / "v.ids")
    assert footer["model"].endswith("all-MiniLM-L6-v2") and footer["revision"]
