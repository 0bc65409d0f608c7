"""Reading the configuration: files over files, defaults, and one line a fault with its place."""

from pathlib import Path

import pytest
from megascience.planning.config.model import Config
from megascience.planning.config.read import check_config, read_config, read_mapping
from megascience.storage.errors import InputError

ROOT = Path(__file__).parents[4]
PAPER, DEMO = ROOT / "config/config.yaml", ROOT / "config/demo.yaml"
CANNED = ROOT / "tests/data/canned"

#: What users and tests give to Snakemake together.
SHIPPED = {
    "paper": [PAPER],
    "demo": [PAPER, DEMO],
    "real": [PAPER, DEMO, ROOT / "tests/data/real/config.yaml"],
    "canned": [PAPER, DEMO, CANNED / "config.yaml", CANNED / "branches.yaml", CANNED / "mixture.yaml"],
    "cluster": [PAPER, DEMO, CANNED / "config.yaml", ROOT / "tests/data/cluster/config.yaml"],
    **{path.stem: [PAPER, path] for path in sorted((ROOT / "examples/serving").glob("*.yaml"))},
}


@pytest.fixture(scope="module")
def demo() -> dict:
    return read_config(SHIPPED["demo"]).plain()


def faults(folder: Path, text: str) -> list[str]:
    """The faults of a file that is laid over the demo's configuration."""
    (folder / "mine.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        read_config([*SHIPPED["demo"], folder / "mine.yaml"])
    return str(caught.value).splitlines()


@pytest.mark.parametrize("files", SHIPPED.values(), ids=SHIPPED)
def test_every_value_of_the_files_is_kept_and_only_defaults_are_added(files: list[Path]) -> None:
    merged: dict = {}

    def lay(over: dict, under: dict) -> dict:
        return {**under, **{k: lay(v, under.get(k) or {}) if isinstance(v, dict) else v for k, v in over.items()}}

    for file in files:
        merged = lay(read_mapping(file), merged)
    added: list[str] = []

    def compare(written: object, plain: object, path: str) -> None:
        assert type(written) is type(plain), path
        if isinstance(written, dict):
            assert written.keys() <= plain.keys(), path
            added.extend(path + key for key in plain.keys() - written.keys())
            for key, value in written.items():
                compare(value, plain[key], f"{path}{key}.")
        elif isinstance(written, list):
            assert len(written) == len(plain), path
            for number, (one, other) in enumerate(zip(written, plain, strict=True)):
                compare(one, other, f"{path}{number}.")
        else:
            assert written == plain, path

    config = read_config(files)
    compare(merged, config.plain(), "")
    assert "refine.sampling.seed" in added and "dedup.semantic_threshold" in added
    assert check_config(config.plain()) == config, "what was filled in is read as what it is"


def test_defaults(demo: dict) -> None:
    assert demo["reference"]["sampling"] == {"temperature": 0.0, "top_p": 0.9, "max_tokens": 120, "seed": 0}
    assert demo["difficulty_sample"]["retries"] == 0 and demo["evaluate"]["retries"] == 0
    assert demo["response_length"]["retries"] == 0 and demo["response_length"]["constrain"] is False
    assert demo["dedup"] == {"preset": "threshold", "threshold": 0.6, "engine": "minhash", "semantic_threshold": None}
    assert demo["digitize"]["pdftext"] == {} and demo["budget"] == {} and demo["prices"] == {}
    assert demo["sources"]["scp_116k"]["language"] == "en"
    small = {key: demo[key] for key in demo if key not in ("datasets", "selections", "tables", "sources")}
    assert check_config(small).plain()["datasets"] == {"textbook_reasoning": {}}


def test_a_later_file_goes_over_an_earlier_one_key_by_key_and_lists_whole(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("refine: {sampling: {seed: 7}}\nprices: {teacher: {gpu_hour: 2}}\n")
    (tmp_path / "b.yaml").write_text("refine: {retries: 5}\nextract: {standards: [low]}\nprices: {teacher: null}\n")
    config = read_config([*SHIPPED["demo"], tmp_path / "a.yaml"])
    assert config.refine.sampling.seed == 7 and config.refine.sampling.max_tokens == 400
    assert config.prices["teacher"].gpu_hour == 2
    (tmp_path / "b.yaml").write_text("refine: {retries: 5}\nextract: {standards: [low]}\npaper: null\n")
    config = read_config([*SHIPPED["demo"], tmp_path / "a.yaml", tmp_path / "b.yaml"])
    assert (config.refine.retries, config.refine.sampling.seed, config.extract.standards) == (5, 7, ["low"])
    assert config.paper is None


def test_null_takes_an_optional_key_away(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("sources: {scp_116k: {rows: null}}\nmodels: {student: {convert: null}}\n")
    plain = read_config([*SHIPPED["demo"], tmp_path / "a.yaml"]).plain()
    assert "rows" not in plain["sources"]["scp_116k"] and "convert" not in plain["models"]["student"]


@pytest.mark.parametrize("content", ["a: [", "- 1", "", "\x00"])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.yaml").write_text(content)
    with pytest.raises(InputError, match=r"a\.yaml"):
        read_config([tmp_path / "a.yaml"])
    with pytest.raises(InputError, match=r"none\.yaml"):
        read_config([tmp_path / "none.yaml"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("chunk: {tokns: 3}", "config: chunk: unknown key 'tokns'; did you mean 'tokens'? Known: model, tokens ("),
        ("refne: 3", "config: unknown key 'refne'; did you mean 'refine'? ("),
        ("embed: {colour: 3}", "config: embed: unknown key 'colour'; known: model, batch_size ("),
        ("refine: {sampling: {temprature: 1}}", "config: refine.sampling: unknown key 'temprature'; did you mean"),
        ("chunk: {tokens: 3}", "config: chunk.tokens is 3; it must be at least 64 (The longest chunk in tokens.) ("),
        ("search: {k: 2.5}", "config: search.k is 2.5; it must be a whole number"),
        ("search: {k: null}", "config: search.k is null; it must be a whole number"),
        ("refine: {retries: true}", "config: refine.retries is true; it must be a whole number"),
        ("shelf: 3", "config: shelf is 3; it must be text (put it in quotes)"),
        ("refine: 3", "config: refine is 3; it must be a mapping of keys to values"),
        ("digitize: {engine: pdftex}", "it must be one of pdftext, tesseract, olmocr; did you mean 'pdftext'?"),
        ("digitize: {olmocr: {modle: x}}", "config: digitize.olmocr: unknown key 'modle'; did you mean 'model'?"),
        (
            "digitize: {pdftext: {dpi: 1}}",
            "config: digitize.pdftext: unknown key 'dpi'; known: time_limit, workers",
        ),
        ("models: {m: {name: x}}", "config: models.m: key 'revision' is missing"),
        ("models: {'a b': {}}", "config: models: the name 'a b' must be letters, digits and . _ -"),
        ("models: {teacher: {sources: [{whels: [a]}]}}", "config: models.teacher.sources.0: unknown key 'whels'"),
        ("shards: {physiks: 3}", "config: shards: unknown name 'physiks'; did you mean 'physics'? Known: physics, bio"),
        (
            "sources: {scp_116k: {mapping: {qestion: x}}}",
            "config: sources.scp_116k.mapping: unknown key 'qestion'; did you mean 'question'? Known: id, question",
        ),
        ("sources: {scp_116k: {mapping: {answer: {field: x, prt: y}}}}", "mapping.answer: unknown key 'prt'"),
        ("sources: {scp_116k: {mapping: {answer: 3}}}", "mapping.answer is 3; it must be text"),
        ("sources: {scp_116k: {hub: {revision: main}}}", "it must be a commit of 40 hex digits"),
        ("sources: {mine: {licence: MIT, shards: 1, mapping: {question: q}}}", "neither hub nor path says where"),
        ("serving: {teacher: {batchsize: 3}}", "config: serving.teacher: unknown key 'batchsize'; did you mean 'batch"),
        ("serving: {train: {comand: [x]}}", "config: serving.train: unknown key 'comand'; did you mean 'command'?"),
        (
            "serving: {teacher: {engine: vlm}}",
            "config: serving.teacher.engine is 'vlm'; it must be one of vllm, openai",
        ),
        (
            "train: {demo: {learning_rat: 1}}",
            "config: train.demo: unknown key 'learning_rat'; did you mean 'learning_r",
        ),
        ("train: {demo: {stage: dpo}}", "config: train.demo.stage is 'dpo'; it must be sft"),
        ("train: {demo: {max_steps: null}}", "config: train.demo: neither epochs nor max_steps says how long"),
        ("train: {demo: {extra: {output_dir: x}}}", "config: train.demo: extra.output_dir is set by the workflow"),
        ("train: {demo: {extra: {template: x}}}", "config: train.demo: extra.template is a key of the preset itself"),
        (
            "experiments: [{name: a/b, base: x, dataset: y, train: z}]",
            "config: experiments.0.name is 'a/b'; it must be",
        ),
        (
            "datasets: {mine: {mixture: [{select: a, dataset: b}]}}",
            "config: datasets.mine.mixture.0: a part takes rows",
        ),
        ("datasets: {mine: {mixture: [{selct: a}]}}", "config: datasets.mine.mixture.0: unknown key 'selct'; did you"),
        (
            "datasets: {mine: {without: [refin]}}",
            "config: datasets.mine.without.0 is 'refin'; it must be one of refine,",
        ),
        ("datasets: {mine: {without: [refine, refine]}}", "config: datasets.mine.without: 'refine' is there twice"),
        ("datasets: {mine: {override: {refine: {}}}}", "config: datasets.mine: override.refine is empty"),
        ("datasets: {mine: {override: {refin: {model: x}}}}", "config: datasets.mine.override: unknown name 'refin'"),
        ("datasets: {mine: {without: [refine], mixture: [{select: a}]}}", "a mixture has no way of its own"),
        (
            "prices: {teacher: {gpu_hours: 3}}",
            "config: prices.teacher: unknown key 'gpu_hours'; did you mean 'gpu_hour'",
        ),
        ("budget: {max_money: 0}", "config: budget.max_money is 0; it must be more than 0"),
        ("evaluate: {benchmarks: []}", "config: evaluate.benchmarks is []; it must be all, or must have at least 1"),
        (
            "tables: {mine: {datasets: [[a]]}}",
            "config: tables.mine.datasets.0 is ['a']; it must have at least 2 of them",
        ),
        ('shards: {"\\e[31m": 1}', "config: shards: unknown name '\\x1b[31m'"),
    ],
)
def test_a_fault_is_one_line_with_its_place_and_what_may_be_there(tmp_path: Path, text: str, said: str) -> None:
    line = next(line for line in faults(tmp_path, text) if said in line)
    assert line.startswith("config: ") and line.endswith("/mine.yaml, line 1)")
    assert line.isprintable()


def test_all_faults_are_found_at_once_each_where_it_is(tmp_path: Path) -> None:
    lines = faults(tmp_path, "chunk:\n  tokns: 3\n  tokens: 2\nsearch: {k: 0}\n")
    assert sorted(line.rpartition(", line ")[2] for line in lines) == ["2)", "3)", "4)"]


def test_a_key_that_no_file_has_is_placed_in_the_section_that_lacks_it(tmp_path: Path, demo: dict) -> None:
    (line,) = faults(tmp_path, "models:\n  big: {name: a, revision: b, format: served}\n")
    assert "key 'context' is missing" in line and line.endswith("mine.yaml, line 2)")
    with pytest.raises(InputError) as caught:  # from the command line
        check_config({**demo, "shelf": 3})
    assert str(caught.value) == "config: shelf is 3; it must be text (put it in quotes) (The table of books.)"


def test_a_value_that_no_file_has_came_from_the_command_line() -> None:
    """Snakemake merges --config into the configuration, and reads what is inside of braces as text."""
    files = SHIPPED["demo"]
    merged = {**read_config(files).plain(), "search": {"k": "7"}}
    with pytest.raises(InputError, match=r"search\.k is '7'; it must be a whole number .*\(the command line\)$"):
        check_config(merged, files)
    merged = {**read_config(files).plain(), "shelf": 3}
    with pytest.raises(InputError, match=r"shelf is 3; it must be text .*\(the command line\)$"):
        check_config(merged, files)


def test_the_whole_way_is_always_there(demo: dict) -> None:
    with pytest.raises(InputError, match=r"datasets\.textbook_reasoning is missing"):
        check_config({**demo, "datasets": {"other": {}}})


def test_stages_are_found_by_name(demo: dict) -> None:
    config: Config = check_config(demo)
    assert config.stage("refine") is config.refine
    with pytest.raises(KeyError):
        config.stage("search")
