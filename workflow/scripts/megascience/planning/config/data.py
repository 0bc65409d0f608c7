"""Sections of the data beside the shelf: public sources, selections, datasets, experiments, tables."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag, model_validator

from megascience.planning.config.models import Commit, Name
from megascience.planning.config.section import Distinct, Number, Section, key, matching, optional
from megascience.planning.config.stages import Override
from megascience.stages.order import BRANCHING_STAGES, OPTIONAL_STAGES

LowerName = Annotated[str, matching(r"^[a-z0-9_]+$", "lower-case letters, digits and _")]
Text = Annotated[str, StringConstraints(min_length=1)]


class HubFiles(Section):
    """Files of a data set of the Hugging Face hub at a commit, so that its rows cannot change."""

    repo: str = key("The repository, as owner/name.")
    revision: Commit = key("The commit, 40 hex digits.")
    files: list[str] = key("Names or patterns of files in the repository.", min_length=1)


class FieldPart(Section):
    """A field, or a part of it."""

    field: Text = key("The field's path.")
    part: Literal["after_thought"] | None = optional(
        "`after_thought`: what follows a model's thought.", unset="the whole field"
    )


class Constant(Section):
    """The same text for every row."""

    value: Text = key("The text.")


def _form(value: object) -> str:
    if isinstance(value, Constant) or (isinstance(value, dict) and "value" in value):
        return "constant"
    return "part" if isinstance(value, dict | FieldPart) else "path"


#: Where a column's text comes from; a text is the path of a field, such as responses.0.response.
Column = Annotated[
    Annotated[Text, Tag("path")] | Annotated[FieldPart, Tag("part")] | Annotated[Constant, Tag("constant")],
    Discriminator(_form),
]


class Mapping(Section):
    """Which field of a row is which column: a path such as responses.0.response, a part of it, or a constant."""

    id: Column | None = optional("The row's id in its set.")
    question: Column = key("The question.")
    answer: Column | None = optional("The answer.")
    reference_answer: Column | None = optional("The short answer that the long one is checked by.")
    subject: Column | None = optional("The subject.")
    licence: Column | None = optional("The row's own licence.")


class Source(Section):
    """A public set of questions and answers: `hub`, or `path`, which takes the place of `hub` where both are given."""

    hub: HubFiles | None = optional("A data set of the Hugging Face hub.")
    licence: Text = key("The licence of each row whose mapping gives none of its own.")
    mapping: Mapping = key("Which field of a row is which column.")
    shards: int = key("Shards that its rows are spread over.", ge=1, le=400)
    rows: int | None = optional("About how many rows it has, for the forecast.", ge=1)
    path: str | Annotated[list[str], Field(min_length=1)] | None = optional(
        "Files on this machine, JSONL (also .gz and .zst) or Parquet, or patterns of them."
    )
    language: Literal["en", "any"] = key("Rows in another language are dropped.", "en")
    max_row_bytes: int = key("Longer rows are dropped.", 1_000_000, ge=1000)
    thoughts: Literal["keep"] | None = optional(
        "Rows with the thought of a reasoning model are kept, as in a set of long chains of thought.",
        "they are dropped as `leftover_thought`",
    )

    @model_validator(mode="after")
    def _somewhere(self) -> "Source":
        if self.hub is None and self.path is None:
            raise ValueError("neither hub nor path says where the rows are; add one")
        return self


class Selection(Section):
    """Which rows of a pool are taken."""

    of: str = key("The pool: a source, `textbook_reasoning`, or a dataset that branches off.")
    method: Literal["all", "random", "response_length", "difficulty"] = key("How rows are chosen.")
    n: Annotated[int, Field(ge=1)] | str | None = optional(
        "How many rows, or the name of the selection that has as many.", unset="all that the method takes"
    )
    between: list[Annotated[Number, Field(ge=0, le=10)]] = key(
        "The least and the greatest mean score that `difficulty` takes.", [1, 9], min_length=2, max_length=2
    )
    seed: int = key("Of the random draw.", 0)
    before: Literal["decontaminate"] | None = optional("Takes a source's rows as they were before this stage.")


class Part(Section):
    """A part of a mixture: a selection, or a whole dataset of textbooks."""

    select: str | None = optional("A key of `selections`.")
    dataset: str | None = optional("A whole dataset of textbooks.")
    annotate: bool = key("Whether solutions are written again.", False)
    annotate_below: Number | None = optional(
        "Solutions are written again for rows whose mean difficulty score is under it.", ge=0, le=10
    )
    n: int | None = optional("Rows of this part, at most.", unset="all", ge=1)
    share: Number | None = optional("The share of this part in the mixture's rows.", gt=0, le=1)

    @model_validator(mode="after")
    def _agrees(self) -> "Part":
        if (self.select is None) == (self.dataset is None):
            raise ValueError("a part takes rows of either select or dataset; write exactly one of them")
        if self.dataset is not None and (self.annotate or self.annotate_below is not None):
            raise ValueError("annotate and annotate_below need select; a whole dataset keeps its answers")
        if self.annotate and self.annotate_below is not None:
            raise ValueError("annotate takes all rows and annotate_below some; write one of them")
        if self.n is not None and self.share is not None:
            raise ValueError("n and share both say how many rows; write one of them")
        return self

    @property
    def name(self) -> str:
        """The selection's or the dataset's name, as messages and the card have it."""
        return self.select or self.dataset or ""

    @property
    def annotation(self) -> str | None:
        """The name of the part's annotation, None where the rows keep their answers."""
        if self.annotate_below is not None:
            return f"{self.select}_below_{self.annotate_below:g}".replace(".", "_")
        return self.select if self.annotate else None


OptionalStage = Literal[OPTIONAL_STAGES]  # type: ignore[valid-type]
BranchingStage = Literal[BRANCHING_STAGES]  # type: ignore[valid-type]


class Dataset(Section):
    """What is released and trained on: a branch (`without`, `override`), or a mixture."""

    without: Distinct[OptionalStage] | None = optional("Stages that the dataset leaves out.")
    override: Annotated[dict[BranchingStage, Override], Field(min_length=1)] | None = optional(
        "By stage, keys that take the place of its section's."
    )
    mixture: Annotated[list[Part], Field(min_length=1)] | None = optional(
        "The parts of a mixture. Of near-duplicate questions in two parts the earlier part's row is kept; "
        "`n` and `share` are drawn from what is left."
    )
    seed: int | None = optional("Of the random draw of a mixture's parts.", unset=0)

    @model_validator(mode="after")
    def _one_kind(self) -> "Dataset":
        if self.mixture is not None and (self.without is not None or self.override is not None):
            raise ValueError("a mixture has no way of its own to leave stages out of; take without and override out")
        for stage, keys in (self.override or {}).items():
            if not keys.model_fields_set:
                raise ValueError(f"override.{stage} is empty; write a key of the stage there")
        return self


class Experiment(Section):
    """A model that is trained and evaluated."""

    name: Name = key("Its name.")
    base: str = key("The model that training begins with, a key of `models`.")
    baseline: str | None = optional("The model that it is compared with, a key of `models`.", unset="its base")
    dataset: str = key("What it is trained on, a key of `datasets`.")
    train: str = key("How it is trained, a key of `train`.")

    @property
    def compared_with(self) -> str:
        """The model that the experiment is compared with: its base where the config names none."""
        return self.base if self.baseline is None else self.baseline


class ScoreTable(Section):
    """A table of scores, by blocks of datasets."""

    datasets: list[Annotated[Distinct[str], Field(min_length=2)]] = key(
        "Blocks of datasets; `baseline` is the model that the experiments are compared with. A block is shown for "
        "each base model that has experiments on its first dataset and on another one.",
        min_length=1,
    )
    bases: Distinct[str] | None = optional("Only these base models.", unset="all")
    show: Literal["averages", "benchmarks"] = key("Averages of groups, or each benchmark.", "averages")
    caption: str = key("The table's caption.", "")
