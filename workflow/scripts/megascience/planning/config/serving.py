"""Where models answer, and where the other programs run. Results are not redone for a change here.

Each key says whether it can change a text: what can shape a text belongs to `sampling`, which is part of a request's
key. A few settings of engines can still do so, in the last digits of a probability or more; they are marked.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from megascience.planning.config.section import Number, Section, matching, optional

#: Whether a key can change a text.
NO, ROUNDING, YES = "no", "by rounding", "yes"

#: What an engine that passes arguments on takes as a value.
Argument = Any


def place(description: str, unset: Any = None, text: str = NO, **limits: Any) -> Any:
    """Declare a key that says where or how fast; see `optional`.

    Args:
        text: whether the key can change a text: NO, ROUNDING or YES.
    """
    return optional(description, unset, {"changes_text": text}, **limits)


class Served(Section, title="Engine"):
    """Keys of every engine."""

    engine: Literal["vllm", "openai", "llamacpp", "transformers", "canned"] | None = place(
        "What runs the model. Two engines round differently.", "that of serving.default", ROUNDING
    )
    tokenizer: str | None = place("The tokenizer that counts prompts: a file or a folder.", "the model's own")
    gpus: int | None = place("GPUs that its hours are counted for.", "those of the job", ge=0)


class OpenAI(Served, title="OpenAI"):
    """Any server that speaks OpenAI's protocol."""

    base_url: Annotated[str, matching(r"^https?://\S+$", "an address, http(s)://…/v1")] | None = place(
        "The server's address up to and with /v1."
    )
    api_key_env: str | None = place("The environment variable that holds the key.", "no key is sent")
    model: str | None = place("The name that the server knows the model by.", "the model's name", YES)
    concurrency: int | None = place("Requests in flight.", 16, ge=1)
    deadline: Number | None = place("Seconds for one request over all its tries.", 1800, gt=0)
    connect_timeout: Number | None = place("Seconds to connect.", 10, gt=0)
    start_deadline: Number | None = place("Seconds to wait for a server that does not answer yet.", 60, ge=0)
    grammar_field: str | None = place(
        "The field of a request's body that takes a GBNF grammar, with dots for nested ones: `grammar` (llama.cpp), "
        "`structured_outputs.grammar` (vLLM).",
        "grammars are not sent",
        YES,
    )
    extra_body: dict[str, Argument] | None = place("Further fields of each request's body.", text=YES)
    seed: bool | None = place("Whether the server takes a seed.", True, YES)


class LlamaCpp(Served, title="llama.cpp"):
    """llama.cpp, which the job starts itself."""

    parallel: int | None = place("Requests that are answered at once.", 4, ROUNDING, ge=1)
    threads: int | None = place("CPU threads.", "those of the job", ROUNDING, ge=1)
    batch: int | None = place("Tokens of a step that reads prompts.", 512, ROUNDING, ge=1)
    gpu_layers: int | None = place("Layers on a GPU; -1: all that fit.", -1, ROUNDING, ge=-1)
    share: bool | None = place(
        "Whether jobs that run on one machine and ask the model one after the other use one server; on a cluster each "
        "job has its own.",
        False,
    )
    deadline: Number | None = place("Seconds for one request over all its tries.", 1800, gt=0)


class Transformers(Served, title="Transformers"):
    """Hugging Face Transformers in process, for small machines."""

    batch_size: int | None = place("Requests that are answered together.", 16, ROUNDING, ge=1)
    threads: int | None = place("CPU threads.", "those of the job", ROUNDING, ge=1)
    device: str | None = place("Such as cpu or cuda.", "cuda where there is one", ROUNDING)
    dtype: str | None = place("The type of the weights.", "float32 on a CPU, else the checkpoint's", YES)
    trust_remote_code: bool | None = place("Whether code that comes with the model may run.", False, YES)


class Vllm(Served, title="vLLM"):
    """vLLM in process: the engine for GPUs."""

    tensor_parallel_size: int | None = place("GPUs that each layer is split over.", "those of the job", ROUNDING, ge=1)
    pipeline_parallel_size: int | None = place("Groups of GPUs that the layers are dealt to.", 1, ROUNDING, ge=1)
    enable_expert_parallel: bool | None = place("Whether experts are dealt to the GPUs.", False, ROUNDING)
    gpu_memory_utilization: Number | None = place("The share of a GPU's memory that is taken.", gt=0, le=1)
    cpu_offload_gb: Number | None = place("GB of weights that stay in the CPU's memory.", 0, ge=0)
    quantization: str | None = place("How weights are quantized.", "as the checkpoint is", YES)
    dtype: str | None = place("The type of weights and activations.", "the checkpoint's; float32 on a CPU", YES)
    kv_cache_dtype: str | None = place("The type of the cache.", "that of the weights", YES)
    max_num_seqs: int | None = place("Requests that are answered at once.", text=ROUNDING, ge=1)
    max_num_batched_tokens: int | None = place("Tokens of one step.", text=ROUNDING, ge=1)
    enforce_eager: bool | None = place("Whether to run without CUDA graphs and compiling.", text=ROUNDING)
    trust_remote_code: bool | None = place("Whether code that comes with the model may run.", False, YES)
    kv_cache_gb: int | None = place("GB of the cache, on a CPU.", 4, ge=1)
    extra: dict[str, Argument] | None = place("Further engine arguments of vLLM, handed over as they are.", text=YES)


class Canned(Served, title="Canned answers"):
    """Answers out of a file, for tests."""

    answers: str | None = place("The file of answers, YAML or JSONL.", "the model's path", YES)
    concurrency: int | None = place("Requests in flight.", 8, ge=1)
    log: str | None = place("A JSONL file that the key and seed of each request are appended to.")
    hold: str | None = place("A file with a number: while it is there, only so many answers are given.")


#: Engine -> its keys.
ENGINES: dict[str, type[Served]] = {
    "vllm": Vllm,
    "openai": OpenAI,
    "llamacpp": LlamaCpp,
    "transformers": Transformers,
    "canned": Canned,
}


class Entry(Canned, LlamaCpp, OpenAI, Transformers, Vllm, title="Place of a model"):
    """Where one model or experiment answers: keys of its engine, which go before those of its base model and of
    `default`. The engine is its own, else that of its base model, else that of `default`."""

    concurrency: int | None = place("Requests in flight.", "16 (openai), 8 (canned)", ge=1)
    threads: int | None = place("CPU threads.", "those of the job", ROUNDING, ge=1)
    dtype: str | None = place("The type of the weights.", text=YES)


class PdfTextPlace(Section, title="Place of pdftext"):
    """How fast pdftext reads."""

    time_limit: Number | None = place("Seconds after which a book is given up.", 1800, YES, gt=0)
    workers: int | None = place("Books that are read at once.", 1, ge=1)


class TesseractPlace(Section, title="Place of tesseract"):
    """How fast tesseract reads."""

    time_limit: Number | None = place("Seconds after which a book is given up.", 86400, YES, gt=0)
    page_time_limit: Number | None = place("Seconds after which a page is given up.", 120, YES, gt=0)
    workers: int | None = place("Books that are read at once.", 1, ge=1)


class OlmOcrPlace(Section, title="Place of olmocr"):
    """Where olmocr runs. These keys go before those of `digitize.olmocr`."""

    server: str | None = place("Base URL of an OpenAI-compatible vision server, http(s)://…/v1.", "olmocr starts vLLM")
    command: list[str] | None = place("The program and its first arguments.", ["olmocr"], min_length=1)
    workers: int | None = place("Groups of books at work at once.", 8, ge=1)
    max_concurrent_requests: int | None = place("Requests at the server at once.", 256, ge=1)
    pages_per_group: int | None = place("Pages whose results are written together.", 200, ge=1)
    server_timeout: int | None = place("Seconds to wait for the server to answer.", 600, ge=1)


class TextDedupPlace(Section, title="Place of text-dedup"):
    """Where the program text-dedup runs."""

    command: list[str] | None = place(
        "The program and its first arguments.", ["python", "-m", "text_dedup.minhash"], min_length=1
    )


class TrainPlace(Section, title="Place of training"):
    """Where training runs."""

    command: list[str] | None = place("LLaMA-Factory's program and its first arguments.", min_length=1)
    per_device_batch: int | None = place("Sequences that a device takes at once.", 1, ROUNDING, ge=1)


class Serving(Section):
    """Where models answer, by the name of the model or the experiment, and where four other programs run. Results
    are not redone for a change here: what can shape a text belongs to `sampling`, which is part of a request's key.
    A few keys can change a text all the same, as the tables say; what was answered before such a change stays."""

    __pydantic_extra__: dict[str, Entry]
    model_config = {**Section.model_config, "extra": "allow"}

    default: Entry = Field(description="Keys for every model; must name an engine.")
    pdftext: PdfTextPlace | None = optional("How fast pdftext reads.")
    tesseract: TesseractPlace | None = optional("How fast tesseract reads.")
    olmocr: OlmOcrPlace | None = optional("Where olmocr runs.")
    text_dedup: TextDedupPlace | None = optional("Where text-dedup runs.", alias="text-dedup")
    train: TrainPlace | None = optional("Where training runs.")

    @property
    def models(self) -> dict[str, Entry]:
        """The entries of models and experiments, in the order of the file."""
        return dict(self.__pydantic_extra__ or {})


#: The entries that are programs, not models.
PROGRAMS = ("pdftext", "olmocr", "text-dedup", "train")


def foreign_keys(entry: Entry, engine: str) -> list[str]:
    """Return the keys that an entry sets though its engine has no use for them."""
    known = ENGINES[engine].model_fields
    return [name for name in Entry.model_fields if name not in known and getattr(entry, name) is not None]
