"""What it brings on llama.cpp to keep requests about one document in one slot, and waiting threads asleep.

    python benchmarks/engines_llamacpp.py MODEL.gguf [--documents 6] [--questions 6] [--threads 2] [--slots 4]

Asks each question about each document, as `refine` does with its chunks, three times: as the engine
does it; without telling it which requests share a document; and with OpenMP threads that spin while
they wait, the library's default. Prints one JSON line each: seconds, all tokens a second, output tokens
a second, share of prompt tokens served from cache. The last shows its cost where the machine has other
work too: run it beside some.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "workflow" / "scripts"))

from megascience.inference.engines.base import ModelSpec, Request, Sampling
from megascience.inference.engines.registry import make_engine

TEXT = (
    "A body that is thrown upwards with the speed v rises for the time v / g and reaches the height v^2 / (2 g). "
    "On its way down it passes each height with the speed that it had there on its way up, if the air is neglected. "
)
GRAMMAR = 'root ::= "<answer>" [^<]+ "</answer>"\n'


def requests_of(documents: int, questions: int) -> list[Request]:
    """Return the requests, document by document."""
    return [
        Request(
            f"{d:08x}{q:08x}",
            (
                {"role": "system", "content": "You answer questions about a document in one or two sentences."},
                {"role": "user", "content": f"Document {d}. {TEXT * 7}\n\nQuestion {q}: how high is it after {q} s?"},
            ),
            Sampling(max_tokens=48),
            GRAMMAR,
            group=str(d),
        )
        for d in range(documents)
        for q in range(questions)
    ]


def measure(name: str, spec: ModelSpec, requests: list[Request]) -> None:
    """Run the requests through a fresh engine and print what it took."""
    engine = make_engine(spec)
    left = iter(requests)
    try:
        engine.start()
        began = time.perf_counter()
        done = list(engine.run(lambda: next(left, None)))
        seconds = time.perf_counter() - began
    finally:
        engine.close()
    prompt, completion = sum(c.prompt_tokens for c in done), sum(c.completion_tokens for c in done)
    print(
        json.dumps(
            {
                "run": name,
                "requests": len(done),
                "seconds": round(seconds, 1),
                "tokens_per_second": round((prompt + completion) / seconds, 1),
                "output_tokens_per_second": round(completion / seconds, 1),
                "cached_share": round(sum(c.cached_tokens for c in done) / prompt, 3),
                "load": round(os.getloadavg()[0], 1),
            }
        ),
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--documents", type=int, default=6)
    parser.add_argument("--questions", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--slots", type=int, default=4)
    args = parser.parse_args()
    serving = {"threads": args.threads, "parallel": args.slots}
    spec = ModelSpec("model", "1", "llamacpp", path=args.model, context=2048, serving=serving)
    requests = requests_of(args.documents, args.questions)
    measure("one slot a document", spec, requests)
    measure("documents unknown", spec, [replace(request, group="") for request in requests])
    os.environ["OMP_WAIT_POLICY"] = "active"
    measure("spinning threads", spec, requests)


if __name__ == "__main__":
    main()
