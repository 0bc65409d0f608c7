"""The whole configuration."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from megascience.planning.config.data import Dataset, Experiment, LowerName, ScoreTable, Selection, Source
from megascience.planning.config.models import Budget, Model, Name, Prices
from megascience.planning.config.section import Section, key, optional
from megascience.planning.config.serving import Serving
from megascience.planning.config.stages import (
    Annotate,
    Chunk,
    Classify,
    Dedup,
    DifficultySample,
    Digitize,
    Embed,
    Evaluate,
    Extract,
    ModelStage,
    Search,
)
from megascience.planning.config.training import Preset
from megascience.storage.layout import TRUNK

Discipline = Literal["physics", "biology", "chemistry", "medicine", "computer_science", "mathematics", "economics"]


class PathVars(Section, title="Folders"):
    """The folders that rules name `<results>`, `<models>`, `<logs>` and `<timings>`."""

    results: str = key("What is computed.", "results")
    models: str | None = optional("Files of models, which several results may share.")
    logs: str | None = optional("Logs of jobs.", unset="logs")
    timings: str | None = optional("Running times of jobs.", unset="timings")


class Config(Section):
    """Every key of the configuration. `config/config.yaml` has the paper's settings; a file that is given with
    `--configfile` overrides it key by key, a list as a whole, and `null` takes an optional key away."""

    pathvars: PathVars = key("The folders of results, model files, logs and running times.", PathVars)
    shelf: str = key("The table of books.")
    shards: Annotated[dict[Discipline, Annotated[int, Field(ge=1, le=999)]], Field(min_length=1)] = key(
        "Shards of each discipline; one that is not listed takes no part. Changing a count rebuilds the discipline."
    )
    models: dict[Name, Model] = key("Models by the name that the other sections use.")
    digitize: Digitize = key("How the pages of books become text.")
    classify: Classify = key("Subject and level of the books, where the shelf leaves them open.")
    chunk: Chunk = key("How books are cut into chunks.")
    extract: Extract = key("Questions and answers out of chunks.")
    dedup: Dedup = key("Near-duplicate questions.", Dedup)
    refine: ModelStage = key("Makes questions self-contained and their answers checked and explained.")
    judge_cot: ModelStage = key("Judges whether an answer explains itself.")
    distill_cot: ModelStage = key("Explains the answers that do not.")
    filter: ModelStage = key("Drops broken pairs.")
    embed: Embed = key("The embeddings that copies of benchmark items are looked for by.")
    search: Search = key("The search for benchmark items that a question may be a copy of.", Search)
    decontaminate: ModelStage = key("Judges whether a question is a benchmark item in disguise.")
    reference: ModelStage = key("Writes short reference answers.")
    sources: dict[LowerName, Source] = key("Public sets of questions and answers, by name.", dict)
    difficulty_sample: DifficultySample = key("Answers by a middling model, for the selection by difficulty.")
    difficulty_score: ModelStage = key("Scores these answers.")
    response_length: ModelStage = key("Answers whose length the selection by response_length goes by.")
    annotate: Annotate = key("New solutions for the parts of mixtures that ask for them.")
    selections: dict[LowerName, Selection] = key("Which rows of a pool are taken, by name.", dict)
    datasets: dict[LowerName, Dataset] = key(
        "What is released and trained on, by name. textbook_reasoning goes through all stages; another dataset of "
        "textbooks leaves stages out or overrides their settings, and shares what comes before the first difference.",
        lambda: {TRUNK: Dataset()},
    )
    train: dict[str, Preset] = key("Training presets by name.")
    experiments: list[Experiment] = key(
        "What is trained on what; a list, so that a file that overrides it replaces it as a whole."
    )
    tables: dict[LowerName, ScoreTable] = key(
        "Tables of scores, `<results>/tables/<name>`. `main` is always made, of all experiments where the config has "
        "nothing to show.",
        dict,
    )
    paper: str | None = key("The file of the paper's numbers, shown beside ours; see docs/paper.md.", None)
    evaluate: Evaluate = key("The evaluation of base models and experiments on benchmarks.")
    serving: Serving = key("Where models answer. Results are not redone for a change here.")
    budget: Budget = key(
        "Limits of the whole run; before one is passed no new request is sent, and a rerun goes on.", Budget
    )
    prices: dict[str, Prices] = key("Prices by model, a key of `models`, for the table of costs.", dict)

    @model_validator(mode="after")
    def _whole_way(self) -> "Config":
        if TRUNK not in self.datasets:
            raise ValueError(f"datasets.{TRUNK} is missing; write `{TRUNK}: {{}}` there")
        return self

    def stage(self, name: str) -> ModelStage:
        """Return the section of a model stage that curates or selects.

        Raises:
            KeyError: there is no such stage.
        """
        section = getattr(self, name, None)
        if not isinstance(section, ModelStage):
            raise KeyError(name)
        return section
