"""Transformers: runs a Hugging Face checkpoint as it is, in process, in batches.

For small fine-tuned checkpoints that are evaluated without a GPU, where it is up much sooner than
vLLM. Each row draws from a random generator of its own, so that a completion depends on its own
seed and not on its neighbours in the batch.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from megascience.inference.engines.base import Completion, ModelSpec, NextRequest, Request, cut_at_stop, plain_text
from megascience.storage.errors import EngineError

#: Requests that are sorted by length at a time, in batches: neighbours of one length need no padding.
WINDOW_BATCHES = 8


@dataclass
class _Row:
    request: Request
    ids: list[int]


class TransformersEngine:
    """Settings in `serving`: `batch_size` (16), `threads` (of the CPU, all), `device` ("cuda" where there is
    one), `dtype` ("float32" on a CPU, "auto" on a GPU), `trust_remote_code` (false).

    Grammars are not applied: what has not its form is asked again by the caller.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.batch_size = int(spec.serving.get("batch_size", 16))
        self.model: Any = None
        self.tokenizer: Any = None
        self.stops: set[int] = set()

    def start(self) -> None:
        # Threads that spin at barriers make everything several times slower once the cores are shared;
        # OpenMP reads this when torch is loaded.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        import torch
        import transformers

        serving = self.spec.serving
        if serving.get("threads"):
            torch.set_num_threads(int(serving["threads"]))
        device = serving.get("device") or ("cuda" if torch.cuda.is_available() else "cpu")
        trust = bool(serving.get("trust_remote_code", False))
        place = self.spec.path or self.spec.name
        try:
            tokenizer: Any = transformers.AutoTokenizer.from_pretrained(place, trust_remote_code=trust)
            self.model = transformers.AutoModelForCausalLM.from_pretrained(
                place, trust_remote_code=trust, dtype=serving.get("dtype", "float32" if device == "cpu" else "auto")
            )
            self.model.to(device).eval()
        except (OSError, ValueError, RuntimeError) as error:
            raise EngineError(f"{place}: cannot be loaded as a Hugging Face checkpoint ({error})") from error
        self.tokenizer = tokenizer
        ends = self.model.generation_config.eos_token_id
        # Only what a request says shapes its draw: what a checkpoint brings along (a repetition penalty, say)
        # would fill every gap of the configuration that `generate` is given.
        self.model.generation_config = transformers.GenerationConfig()
        self.stops = {tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])} - {None}

    def run(self, next_request: NextRequest) -> Iterator[Completion]:
        waiting: list[_Row] = []
        while True:
            while len(waiting) < WINDOW_BATCHES * self.batch_size and (request := next_request()) is not None:
                ids = self._encode(request)
                if len(ids) >= self.spec.context:
                    yield Completion(request.key, "", "overflow", prompt_tokens=len(ids))
                else:
                    waiting.append(_Row(request, ids))
            if not waiting:
                return
            # The longest first: should memory not do, that shows at once.
            waiting.sort(key=lambda row: len(row.ids), reverse=True)
            batch, waiting = waiting[: self.batch_size], waiting[self.batch_size :]
            yield from self._generate(batch)

    def close(self) -> None:
        self.model = self.tokenizer = None

    def _encode(self, request: Request) -> list[int]:
        text = plain_text(request.messages)
        if text is not None:
            return self.tokenizer(text)["input_ids"]
        if not self.tokenizer.chat_template:
            raise EngineError(
                f"{self.spec.path or self.spec.name}: has no chat template; save one with its tokenizer "
                "(chat_template.jinja), or mark the model with `base: true`, which asks it without one"
            )
        return self.tokenizer.apply_chat_template(
            list(request.messages), add_generation_prompt=True, tokenize=True, return_dict=False
        )

    def _generate(self, rows: list[_Row]) -> Iterator[Completion]:
        import torch
        from transformers import GenerationConfig, LogitsProcessorList

        width = max(len(row.ids) for row in rows)
        pad = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else min(self.stops)
        room = [min(row.request.sampling.max_tokens, self.spec.context - len(row.ids)) for row in rows]
        ids = torch.tensor([[pad] * (width - len(row.ids)) + row.ids for row in rows])
        mask = torch.tensor([[0] * (width - len(row.ids)) + [1] * len(row.ids) for row in rows])
        config = GenerationConfig(
            do_sample=False, max_new_tokens=max(room), eos_token_id=sorted(self.stops), pad_token_id=pad
        )
        with torch.inference_mode():
            output = self.model.generate(
                ids.to(self.model.device),
                attention_mask=mask.to(self.model.device),
                generation_config=config,
                logits_processor=LogitsProcessorList([_Draw(rows)]),
            )
        for row, limit, new in zip(rows, room, output[:, width:].tolist(), strict=True):
            end = next((i for i, token in enumerate(new[:limit]) if token in self.stops), None)
            written = new[:limit] if end is None else new[:end]
            text, stopped = cut_at_stop(
                self.tokenizer.decode(written, skip_special_tokens=True), row.request.sampling.stop
            )
            yield Completion(
                key=row.request.key,
                text=text,
                finish_reason="stop" if stopped or end is not None else "length",
                prompt_tokens=len(row.ids),
                completion_tokens=len(written) + (end is not None),
            )


class _Draw:
    """Turns the search for the likeliest token into a draw, row by row.

    The largest of log-probabilities with Gumbel noise added is a draw from their distribution (Gumbel-max
    trick), so that each row keeps its own temperature, top-p and random numbers.
    """

    def __init__(self, rows: list[_Row]) -> None:
        import torch

        self.samplings = [row.request.sampling for row in rows]
        self.generators = [torch.Generator().manual_seed(s.seed) for s in self.samplings]

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        import torch

        drawn = scores.float()
        for i, (sampling, generator) in enumerate(zip(self.samplings, self.generators, strict=True)):
            if sampling.temperature == 0:
                continue
            logits = drawn[i].log_softmax(-1) / sampling.temperature
            if sampling.top_p < 1:
                ordered, places = logits.softmax(-1).sort(descending=True)
                logits[places[ordered.cumsum(-1) - ordered >= sampling.top_p]] = -torch.inf
            noise = torch.rand(logits.shape, generator=generator).to(logits.device)
            drawn[i] = logits - torch.log(-torch.log(noise.clamp_min(1e-20)))
        return drawn
