"""The contamination judge of a configuration on the gold set: precision, recall and unreadable verdicts, by relation.

    python benchmarks/decontaminate_judge.py --configfile config/demo.yaml --work FOLDER [--record]

Model, prompt, sampling, retries and serving are the configuration's, and the code is the workflow's own. Every
pair of the gold set is put to the judge once; what was answered stays in FOLDER's journal. A pair counts as
found where its row would be dropped: YES, or no readable verdict (fail closed). With --record the figures go
to workflow/gold/measured.json, from where the dataset card takes them.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "workflow" / "scripts"))

from decontaminate_retrieval import MEASURED, read_gold
from megascience.curation.decontaminate import decide_shard
from megascience.curation.embed import with_options
from megascience.curation.schemas import CANDIDATES
from megascience.datasets.decontamination_quality import record_measured
from megascience.inference.engines.base import Sampling
from megascience.inference.generate import generate_shard
from megascience.models.manifest import model_spec
from megascience.planning.config import read_settings
from megascience.planning.plan import Plan
from megascience.stages.pairs import REASONED
from megascience.stages.prompting.prompt import load_prompt
from megascience.storage.parquet import read_records, write_records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", nargs="+", default=[], help="overrides of config/config.yaml")
    parser.add_argument("--relations", nargs="*", default=[], help="only these relations of the gold set")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--gpus", type=int, default=0)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--record", action="store_true", help="keep the figures for the dataset card")
    args = parser.parse_args()
    config = read_settings([HERE.parent / "config/config.yaml", *args.configfile], HERE.parent / "config/schema.yaml")
    plan = Plan(config)
    settings, (prompt,) = plan.settings("decontaminate"), plan.prompts("decontaminate")
    manifest = Path(config["pathvars"]["models"], plan.model("decontaminate"), "model.json")
    model = model_spec(manifest, config, args.threads, args.gpus)
    gold = [pair for pair in read_gold() if not args.relations or pair["relation"] in args.relations]
    work = args.work
    work.mkdir(parents=True, exist_ok=True)
    rows = [{"qa_id": pair["pair_id"], "question": pair["question"]} for pair in gold]
    pairs = [
        {
            "pair_id": pair["pair_id"],
            "qa_id": pair["pair_id"],
            "question": pair["question"],
            "benchmark": "gold",
            "item_id": pair["item_id"],
            "item_question": with_options(pair["item_question"], pair["item_options"]),
            "similarity": 1.0,
            "ngram_overlap": 0.0,
            "skipped": False,
        }
        for pair in gold
    ]
    write_records(work / "rows.parquet", rows, REASONED)
    write_records(work / "candidates.parquet", pairs, CANDIDATES)
    generate_shard(
        stage="decontaminate",
        records=[work / "candidates.parquet"],
        prompts=[prompt],
        output=work / "completions.parquet",
        cost=work / "cost.json",
        journal=work / "journal.jsonl",
        model=model,
        sampling=Sampling(**settings["sampling"]),
        retries=settings["retries"],
        constrain=settings["constrain"],
    )
    decide_shard(
        records=[work / "rows.parquet"],
        candidates=work / "candidates.parquet",
        completions=work / "completions.parquet",
        prompts=[prompt],
        kept=work / "kept.parquet",
        dropped=work / "dropped.parquet",
        verdicts=work / "verdicts.parquet",
    )
    verdicts = {row["qa_id"]: row["verdict"] for row in read_records(work / "verdicts.parquet")}
    print("relation\tcontaminated\tpairs\tyes\tno\tunreadable")
    found = []
    for relation in dict.fromkeys(pair["relation"] for pair in gold):
        own = [pair for pair in gold if pair["relation"] == relation]
        said = Counter(verdicts[pair["pair_id"]] for pair in own)
        counts = {name: said[name] for name in ("yes", "no", "unreadable")}
        found.append({"relation": relation, "contaminated": own[0]["contaminated"], "pairs": len(own), **counts})
        print("\t".join(map(str, found[-1].values())))
    dropped = [pair for pair in gold if verdicts[pair["pair_id"]] != "no"]
    right = sum(pair["contaminated"] for pair in dropped)
    positive = sum(pair["contaminated"] for pair in gold)
    precision = round(right / len(dropped), 4) if dropped else None
    recall = round(right / max(1, positive), 4)
    print(f"precision {precision} ({right} of {len(dropped)} dropped pairs)")
    print(f"recall {recall} ({right} of {positive} contaminated pairs)")
    if args.record and not args.relations:
        entry = {
            "model": model.name,
            "revision": model.revision,
            "prompt_hash": load_prompt(prompt).hash,
            "precision": precision,
            "recall": recall,
            "rows": found,
        }
        record_measured(MEASURED, "judge", entry)


if __name__ == "__main__":
    main()
