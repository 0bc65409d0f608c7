"""Decontamination's retrieval on the gold set: recall@5 of embeddings, of n-grams and of both, by relation.

    python benchmarks/decontaminate_retrieval.py SOURCES MODEL --work FOLDER [--record]

SOURCES is a folder of real benchmark files and MODEL a sentence-transformers folder. The index holds
every item of the files and the gold set's own items (workflow/gold/decontamination.jsonl: questions written
for this project, each with a verbatim copy, a light paraphrase, a heavy one (no sentence is left as it was,
technical terms may stay), a retelling (a scene or a riddle that avoids even those), a translation, its options
in another order, a twin with changed values and another question of the topic). The index is kept in FOLDER.
With --record the figures go to workflow/gold/measured.json, from where the dataset card takes them.
"""

import argparse
import json
import os
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "workflow" / "scripts"))

import real_files
from megascience.curation.embed import embed_shard
from megascience.curation.search import search_shard
from megascience.datasets.decontamination_quality import record_measured
from megascience.evaluation.schemas import ITEMS
from megascience.stages.pairs import REASONED
from megascience.storage.parquet import read_metadata, read_records, write_records

GOLD = HERE.parent / "workflow" / "gold" / "decontamination.jsonl"
MEASURED = HERE.parent / "workflow" / "gold" / "measured.json"
K = 5
PARAPHRASED = ("verbatim", "light_paraphrase", "heavy_paraphrase")
PART = 2000


def read_gold() -> list[dict]:
    """Return the gold pairs."""
    return [json.loads(line) for line in GOLD.read_text().splitlines()]


def embed_index(sources: Path, gold: list[dict], model: Path, work: Path) -> list[Path]:
    """Embed the items of the real files and of the gold set, PART at a time; return the parts' item files."""
    items = [
        {
            "item_id": f"{i:05d}",
            "benchmark": name,
            "question": real_files.question(row),
            "options": real_files.options(row),
        }
        for i, (name, row) in enumerate(real_files.rows(sources))
    ]
    own = {pair["item_id"]: pair for pair in gold}
    items += [
        {"item_id": i, "benchmark": "gold", "question": p["item_question"], "options": p["item_options"]}
        for i, p in own.items()
    ]
    print(f"{len(items)} items, {len(gold)} pairs, load {os.getloadavg()[0]:.1f}", flush=True)
    parts = []
    for start in range(0, len(items), PART):
        part = work / f"items-{start:05d}.parquet"
        before = part.read_bytes() if part.exists() else b""
        write_records(part, items[start : start + PART], ITEMS)
        vectors, ids = part.with_suffix(".npy"), part.with_suffix(".ids")
        if part.read_bytes() != before or not ids.exists():
            embed_shard([part], vectors, ids, model_path=model, bare=True)
        parts.append(part)
    return parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--record", action="store_true", help="keep the figures for the dataset card")
    args = parser.parse_args()
    work, gold = args.work, read_gold()
    work.mkdir(parents=True, exist_ok=True)
    items = embed_index(args.sources, gold, args.model, work)
    rows = [{"qa_id": pair["pair_id"], "question": pair["question"]} for pair in gold]
    write_records(work / "rows.parquet", rows, REASONED)
    embed_shard([work / "rows.parquet"], work / "rows.npy", work / "rows.ids.parquet", model_path=args.model)
    found: dict[str, dict[str, dict]] = {}
    for net, ngram in (("embedding", 0), ("both", 13)):
        search_shard(
            [work / "rows.parquet"],
            work / "rows.npy",
            work / "rows.ids.parquet",
            items=items,
            index=[(part.with_suffix(".npy"), part.with_suffix(".ids")) for part in items],
            output=work / f"{net}.parquet",
            k=K,
            ngram=ngram,
        )
        found[net] = defaultdict(dict)
        for row in read_records(work / f"{net}.parquet"):
            found[net][row["qa_id"]][row["item_id"]] = row
    found["n-grams"] = defaultdict(dict)
    for row in read_records(work / "both.parquet"):
        if row["ngram_overlap"]:
            found["n-grams"][row["qa_id"]][row["item_id"]] = row
    nets = ("embedding", "n-grams", "both")
    print(
        "relation\tcontaminated\tpairs\t"
        + "\t".join(f"recall@{K} {net}" for net in nets)
        + "\tsimilarity: least\t5 %\tmedian"
    )
    relations = list(dict.fromkeys(pair["relation"] for pair in gold))
    table = []
    for relation in relations:
        pairs = [pair for pair in gold if pair["relation"] == relation]
        recalls = [np.mean([p["item_id"] in found[net][p["pair_id"]] for p in pairs]) for net in nets]
        near = [found["both"][p["pair_id"]].get(p["item_id"], {"similarity": np.nan})["similarity"] for p in pairs]
        shown = [*(f"{r:.3f}" for r in recalls), *(f"{v:.3f}" for v in np.nanquantile(near, [0, 0.05, 0.5]))]
        print(f"{relation}\t{pairs[0]['contaminated']}\t{len(pairs)}\t" + "\t".join(shown))
        row = {"relation": relation, "contaminated": pairs[0]["contaminated"], "pairs": len(pairs)}
        table.append(row | {net: round(float(r), 4) for net, r in zip(nets, recalls, strict=True)})
    english = [p for p in gold if p["relation"] in PARAPHRASED]
    for name, relations in (("verbatim and paraphrases", PARAPHRASED), ("and retold", (*PARAPHRASED, "retold"))):
        pairs = [p for p in gold if p["relation"] in relations]
        total = [np.mean([p["item_id"] in found[net][p["pair_id"]] for p in pairs]) for net in nets]
        print(f"{name}\tTrue\t{len(pairs)}\t" + "\t".join(f"{r:.4f}" for r in total))
    for pair in english:
        if pair["item_id"] not in found["both"][pair["pair_id"]]:
            print(f"missed: {pair['pair_id']}: {pair['question']}")
    if args.record:
        made = read_metadata(work / "rows.ids.parquet")
        count = sum(len(read_records(part)) for part in items)
        entry = {"model": made["model"], "revision": made["revision"], "k": K, "items": count, "rows": table}
        record_measured(MEASURED, "retrieval", entry)


if __name__ == "__main__":
    main()
