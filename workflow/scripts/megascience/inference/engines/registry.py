"""The engines, each behind the protocol of `base.Engine`, loaded only when it is asked for."""

import importlib

from megascience.inference.engines.base import Engine, ModelSpec
from megascience.storage.errors import EngineError

#: Engine → its class in the module of the same name.
ENGINES = {
    "canned": "CannedEngine",
    "llamacpp": "LlamaCppEngine",
    "openai": "OpenAIEngine",
    "transformers": "TransformersEngine",
    "vllm": "VllmEngine",
}


def make_engine(spec: ModelSpec) -> Engine:
    """Return the engine that a model is served by; it is not started yet.

    Raises:
        EngineError: there is no such engine, or its settings are faulty.
    """
    if spec.engine not in ENGINES:
        raise EngineError(f"serving: there is no engine {spec.engine!r}; known: {', '.join(ENGINES)}")
    module = importlib.import_module(f"{__package__}.{spec.engine}")
    return getattr(module, ENGINES[spec.engine])(spec)
