"""Selection: which rows of a pool are taken, whatever its shards, and why the others are not."""

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from megascience.datasets.selection import Pool, order_key, rank_pool, select_shard
from megascience.storage.drops import Drop
from megascience.storage.errors import InputError
from megascience.storage.parquet import read_records, write_records
from owned import SCHEMAS, write_dropped


def row(identifier: str) -> dict[str, Any]:
    return {"qa_id": identifier, "source": "s", "question": f"What is {identifier}?", "answer": "That."}


class Case:
    """A pool of rows in a folder: id → mean score and response length, None where there is none."""

    def __init__(self, folder: Path, rows: Mapping[str, tuple[float | None, int | None]], shards: int = 3) -> None:
        self.folder = folder
        names = sorted(rows, key=lambda i: order_key(shards, i))
        self.parts = [names[k::shards] for k in range(shards)]
        self.shards = []
        for k, part in enumerate(self.parts):
            place = folder / f"{k:03d}"
            write_records(place / "records.parquet", map(row, part), SCHEMAS["import_source"])
            scores = [{"id": i, "mean": rows[i][0]} for i in part if rows[i][0] is not None]
            write_records(place / "scores.parquet", scores, SCHEMAS["difficulty_score"])
            lengths = [{"id": i, "n_tokens": rows[i][1]} for i in part if rows[i][1] is not None]
            write_records(place / "lengths.parquet", lengths, SCHEMAS["response_length"])
            self.shards.append(place)

    def refuse(self, shard: int, drops: Sequence[tuple[str, Drop]]) -> None:
        write_dropped(self.shards[shard] / "refused.parquet", "difficulty_sample", drops)

    def rank(self, method: str, order: Sequence[int] | None = None, **settings: Any) -> dict[str, int]:
        measure = {"difficulty": "scores.parquet", "response_length": "lengths.parquet"}.get(method)
        pool = [
            Pool(
                records=place / "records.parquet",
                dropped=place / "dropped.parquet",
                measure=place / measure if measure else None,
                refused=tuple(place.glob("refused.parquet")),
            )
            for place in (self.shards if order is None else [self.shards[k] for k in order])
        ]
        return rank_pool("mine", pool, method=method, summary=self.folder / "summary.json", **settings)

    def selected(self) -> set[str]:
        """The ids of the kept rows, with every row either kept or dropped."""
        kept: set[str] = set()
        for part, place in zip(self.parts, self.shards, strict=True):
            select_shard(place / "records.parquet", place / "dropped.parquet", place / "kept.parquet")
            own = [r["qa_id"] for r in read_records(place / "kept.parquet")]
            gone = [r["id"] for r in read_records(place / "dropped.parquet")]
            assert sorted(own + gone) == sorted(part)
            kept |= set(own)
        return kept

    def dropped(self) -> dict[str, tuple[str, str]]:
        rows = [r for place in self.shards for r in read_records(place / "dropped.parquet")]
        assert {r["stage"] for r in rows} <= {"select"}
        return {r["id"]: (r["reason"], r["detail"]) for r in rows}


ROWS = {f"r{k}": (float(k), 10 * k) for k in range(11)}


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path, ROWS)


def test_all_takes_every_row(case: Case) -> None:
    assert case.rank("all") == {"rows": 11, "eligible": 11, "selected": 11}
    assert case.selected() == set(ROWS)


def test_random_takes_the_smallest_hashes_of_seed_and_id(case: Case) -> None:
    case.rank("random", n=4, seed=7)
    assert case.selected() == set(sorted(ROWS, key=lambda i: order_key(7, i))[:4])
    assert set(case.dropped().values()) == {("not_selected", "mine: other rows were taken")}


def test_response_length_takes_the_longest(case: Case) -> None:
    case.rank("response_length", n=3)
    assert case.selected() == {"r8", "r9", "r10"}


def test_difficulty_takes_what_is_in_between_both_ends_included(case: Case) -> None:
    assert case.rank("difficulty", between=(1, 9))["selected"] == 9
    assert case.selected() == set(ROWS) - {"r0", "r10"}
    assert case.dropped()["r10"] == ("not_selected", "mine: mean score 10.00 is not from 1 to 9")


def test_difficulty_with_n_draws_among_what_is_in_between(case: Case) -> None:
    case.rank("difficulty", between=(1, 9), n=2, seed=3)
    among = sorted(ROWS.keys() - {"r0", "r10"}, key=lambda i: order_key(3, i))
    assert case.selected() == set(among[:2])


def test_rows_without_a_measure_say_why(tmp_path: Path) -> None:
    case = Case(tmp_path, {"a": (5.0, 1), "b": (None, None), "c": (None, 2)}, shards=1)
    case.refuse(0, [("b", Drop("missing_reference")), ("c:0", Drop("unreadable"))])
    assert case.rank("difficulty") == {"rows": 3, "eligible": 1, "selected": 1}
    assert case.dropped() == {
        "b": ("missing_reference", ""),
        "c": ("unscored", "mine: no difficulty is known of this row"),
    }
    case.rank("response_length", n=2)
    assert case.selected() == {"a", "c"}


def test_equal_measures_go_by_the_id(tmp_path: Path) -> None:
    case = Case(tmp_path, dict.fromkeys("fbdace", (5.0, 100)))
    case.rank("response_length", n=3)
    assert case.selected() == {"a", "b", "c"}


@pytest.mark.long
@given(
    st.dictionaries(
        st.text("ab01", min_size=1, max_size=4),
        st.tuples(st.none() | st.integers(0, 40).map(lambda s: s / 4), st.none() | st.integers(0, 5)),
        min_size=1,
    ),
    st.sampled_from(["random", "response_length", "difficulty"]),
    st.integers(0, 5),
    st.data(),
)
def test_the_same_rows_whatever_the_shards(
    tmp_path_factory: pytest.TempPathFactory, rows: dict, method: str, seed: int, data: st.DataObject
) -> None:
    eligible = {
        "random": len(rows),
        "response_length": sum(length is not None for _, length in rows.values()),
        "difficulty": sum(mean is not None and 1 <= mean <= 9 for mean, _ in rows.values()),
    }[method]
    n = data.draw(st.integers(0, eligible))
    found = []
    for shards in (1, 2, 5):
        case = Case(tmp_path_factory.mktemp("pool"), rows, shards)
        order = data.draw(st.permutations(range(shards)))
        assert case.rank(method, order, n=n, seed=seed)["selected"] == n
        found.append(case.selected())
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == n


def test_same_seed_same_bytes_and_another_seed_other_rows(tmp_path: Path) -> None:
    found = {}
    for run, seed in (("a", 0), ("b", 0), ("c", 1)):
        case = Case(tmp_path / run, {f"row-{k}": (None, None) for k in range(200)}, shards=1)
        case.rank("random", n=100, seed=seed)
        case.selected()
        found[run] = [(case.shards[0] / name).read_bytes() for name in ("dropped.parquet", "kept.parquet")]
    assert found["a"] == found["b"]
    assert found["a"] != found["c"]


def test_the_number_of_one_selection_is_that_of_another(case: Case) -> None:
    case.rank("difficulty")
    n = json.loads((case.folder / "summary.json").read_text())["selected"]
    assert case.rank("random", n=n)["selected"] == 9


def test_more_rows_than_there_are(case: Case) -> None:
    with pytest.raises(InputError, match=r"^selections.mine: asks for 12 rows, but the pool has 11; lower selections"):
        case.rank("random", n=12)
    with pytest.raises(
        InputError, match="asks for 10 rows .as many as other has., but 9 of the pool's 11 can be taken; widen"
    ):
        case.rank("difficulty", n=10, n_of="other")
    assert not (case.shards[0] / "dropped.parquet").exists()


def test_faulty_settings(case: Case) -> None:
    with pytest.raises(InputError, match="selections.mine.method is 'best'; known: all, random"):
        case.rank("best", n=1)
    with pytest.raises(InputError, match="the method random needs n"):
        case.rank("random")


def test_an_id_that_comes_twice(tmp_path: Path) -> None:
    case = Case(tmp_path, {"a": (1.0, 1), "b": (1.0, 1)}, shards=2)
    write_records(case.shards[0] / "records.parquet", [row("b"), row("a")], SCHEMAS["import_source"])
    write_records(case.shards[1] / "records.parquet", [row("a")], SCHEMAS["import_source"])
    with pytest.raises(InputError, match="id a comes twice in the pool"):
        case.rank("all")


def test_dropped_rows_of_other_records(case: Case) -> None:
    case.rank("random", n=1)
    place = case.shards[0]
    write_dropped(place / "dropped.parquet", "select", [("somewhere else", Drop("not_selected"))])
    with pytest.raises(InputError, match="names 1 rows, of which .* has 0; delete it and run again"):
        select_shard(place / "records.parquet", place / "dropped.parquet", place / "kept.parquet")


def test_all_columns_of_the_records_stay_in_their_order(tmp_path: Path) -> None:
    case = Case(tmp_path, {f"{random.Random(k).random()}": (1.0, k) for k in range(5000)}, shards=1)
    case.rank("response_length", n=4500)
    case.selected()
    place = case.shards[0]
    assert pq.read_schema(place / "kept.parquet").names == SCHEMAS["import_source"].names
    gone = case.dropped()
    wanted = [r for r in read_records(place / "records.parquet") if r["qa_id"] not in gone]
    assert read_records(place / "kept.parquet") == wanted
    assert pq.ParquetFile(place / "kept.parquet").metadata.row_group(0).num_rows == 2048
