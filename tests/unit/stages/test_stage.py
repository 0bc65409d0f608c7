"""The conventions that hold all model stages together, and what each stage does with an answer."""

import inspect
from pathlib import Path

import pytest
from megascience.stages.order import ASKING_STAGES
from megascience.stages.prompting.prompt import load_prompt
from megascience.stages.stage import get_stage, prompt_faults, unit_id
from megascience.storage.drops import Drop
from megascience.storage.errors import InputError
from megascience.storage.ids import content_id
from owned import SCHEMAS

PROMPTS = Path(__file__).parents[3] / "prompts"
DISCIPLINES = ("physics", "biology", "chemistry", "medicine", "computer_science", "mathematics", "economics")
PRODUCTION = [("extract", PROMPTS / "extract" / f"{d}_{s}.j2") for d in DISCIPLINES for s in ("high", "low")]
OTHERS = [stage for stage in ASKING_STAGES if stage != "extract"]
PRODUCTION += [(stage, PROMPTS / f"{stage}.j2") for stage in OTHERS]
PRODUCTION += [("evaluate", PROMPTS / "evaluate_few_shot.j2")]
SMALL = [("extract", PROMPTS / "small" / f"extract_{s}.j2") for s in ("high", "low")]
SMALL += [(stage, PROMPTS / "small" / f"{stage}.j2") for stage in OTHERS]
ALL = [pytest.param(stage, path, id=str(path.relative_to(PROMPTS))) for stage, path in PRODUCTION + SMALL]
VERDICTS = [stage for stage in ASKING_STAGES if "decision" in get_stage(stage).ANSWER]

RECORD = {
    "qa_id": "q",
    "pair_id": "p",
    "chunk_id": "c",
    "book_id": "b",
    "discipline": "computer_science",
    "standard": "low",
    "question": "QUESTION",
    "answer": "ANSWER",
    "text": "CHUNK",
    "chunk_text": "CHUNK",
    "has_reasoning": False,
    "prompt": "computer_science_high",
    "benchmark": "bench",
    "item_id": "item",
    "item_question": "ITEM",
    "skipped": False,
    "options": ["yes", "no"],
    "context": None,
    "kind": "choice",
    "unit": None,
    "title": "TITLE",
    "contents": "CONTENTS",
    "disciplines": [],
    "level": "",
    "offered": ["computer_science", "physics"],
    "reference_answer": "REFERENCE",
    "response": "RESPONSE",
    "id": "q",
    "sample": 3,
    "completion_tokens": 100,
    "max_response_tokens": 4096,
}
#: Stages whose prompt is the bare question, as a student gets it.
OPEN = ("difficulty_sample", "response_length", "evaluate")


# --- conventions


@pytest.mark.parametrize("stage", ASKING_STAGES)
def test_a_stage_says_what_its_fields_give(stage):
    module = get_stage(stage)
    assert set(module.fields(RECORD)) == set(module.FIELDS)
    assert inspect.getdoc(module) and inspect.getdoc(module.fields)


@pytest.mark.parametrize(("stage", "path"), ALL)
def test_a_prompt_fits_its_stage(stage, path):
    """It asks only for variables that the stage gives, declares the tags that the stage reads, and renders."""
    assert prompt_faults(stage, path) == []
    prompt = load_prompt(path)
    messages = prompt.render(get_stage(stage).fields(RECORD))
    assert messages[-1]["role"] in ("user", "text") and all(m["content"] for m in messages)


@pytest.mark.parametrize(("stage", "path"), ALL)
def test_a_prompt_names_every_tag_that_it_declares(stage, path):
    """Where no grammar holds a model to the form, only the prompt can tell it (the short ones rely on a grammar)."""
    if path.parent.name == "small":
        return
    prompt = load_prompt(path)
    text = "\n".join(m["content"] for m in prompt.render(get_stage(stage).fields(RECORD)))
    for tag, words in prompt.answer.tags.items():
        assert f"<{tag}>" in text and f"</{tag}>" in text
        assert all(word in text for word in words or ())
    assert prompt.answer.none is None or prompt.answer.none in text


def test_prompt_files_all_have_a_stage():
    assert {path for _, path in PRODUCTION + SMALL} == set(PROMPTS.rglob("*.j2"))


def test_faults_of_a_prompt_are_told_before_any_model_starts(tmp_path):
    path = tmp_path / "judge_cot.j2"
    path.write_text("---\nanswer: {verdict: [YES, NO]}\n---\n{% block user %}{{ document }}{% endblock %}")
    variable, tag = prompt_faults("judge_cot", path)
    assert "asks for 'document', which the stage judge_cot does not give; it gives question, answer" in variable
    assert "reads the tag 'decision'; declare `decision: [YES, NO]`" in tag
    path.write_text("---\nanswer: {decision: [YES, NO, MAYBE]}\n---\n{% block user %}x{% endblock %}")
    assert len(prompt_faults("judge_cot", path)) == 1
    assert "there is no such prompt file" in prompt_faults("judge_cot", tmp_path / "none.j2")[0]


def test_unknown_stage():
    with pytest.raises(InputError, match="there is no stage 'dedup'; known: classify"):
        get_stage("dedup")


@pytest.mark.parametrize("discipline", DISCIPLINES)
def test_both_standards_share_everything_up_to_the_end_of_the_document(discipline):
    """So that the prefix cache serves the second prompt about a chunk."""
    fields = get_stage("extract").fields({**RECORD, "discipline": discipline, "text": "LAST WORDS OF THE CHUNK"})
    high, low = (
        load_prompt(PROMPTS / "extract" / f"{discipline}_{standard}.j2").render(fields) for standard in ("high", "low")
    )
    assert high[0] == low[0] and discipline.replace("_", " ") in high[0]["content"]
    parts = [m[1]["content"].partition("LAST WORDS OF THE CHUNK\n</document>") for m in (high, low)]
    assert parts[0][:2] == parts[1][:2] and parts[0][2] != parts[1][2]
    assert "high standard" in parts[0][2] and "low standard" in parts[1][2]


def test_no_two_disciplines_share_their_instructions():
    bodies = {path.read_text() for _, path in PRODUCTION[:14]}
    assert len(bodies) == 14
    paragraphs = [body.split("What is a good question in ")[1].split("The passage stands")[0] for body in bodies]
    assert len(set(paragraphs)) == 7


@pytest.mark.parametrize("path", [path for stage, path in PRODUCTION if stage not in OPEN], ids=lambda p: p.stem)
def test_production_prompts_say_that_material_gives_no_orders(path):
    assert "not meant for you" in path.read_text() or "take no notice of them" in path.read_text()


@pytest.mark.parametrize("stage", ["refine", "extract"])
def test_the_document_comes_before_what_varies(stage):
    for name, path in PRODUCTION + SMALL:
        if name == stage == "refine":
            text = load_prompt(path).render(get_stage(stage).fields(RECORD))[-1]["content"]
            assert text.index("CHUNK") < text.index("QUESTION") < text.index("ANSWER")


# --- verdicts fail closed


@pytest.mark.parametrize("stage", VERDICTS)
def test_only_the_clear_word_lets_a_row_pass(stage):
    """Whatever a judge says, at most one declared word leaves the row in as clean."""
    module = get_stage(stage)
    words = [*module.ANSWER["decision"], "", "MAYBE", "yes no"]
    passing = {word for word in words if not isinstance(module.parse({"decision": word}, RECORD), Drop)}
    if stage == "judge_cot":  # drops nothing: the row that is not clearly a YES gets its reasoning written
        clear = {word for word in words if module.parse({"decision": word}, RECORD)["has_reasoning"]}
        assert clear == {"YES"}
    else:
        assert passing == {{"filter": "KEEP", "decontaminate": "NO"}[stage]}


def test_verdict_stages_are_these():
    assert VERDICTS == ["judge_cot", "filter", "decontaminate"]


# --- what each stage does


def test_extract_makes_pairs_with_ids_of_their_content():
    module = get_stage("extract")
    pairs = [
        {"question": "Q1", "answer": "A1"},
        {"question": "Q1", "answer": "A1"},
        {"question": "Q2", "answer": ""},
        {"question": "", "answer": "A3"},
        {"question": "Same  text", "answer": "Same\ntext"},
        {"question": "Q1", "answer": "A4"},
    ]
    first, repeated, no_answer, no_question, copied, other = module.parse(pairs, RECORD)
    assert first == {
        "qa_id": content_id("c", "high", "Q1", "A1"),
        "chunk_id": "c",
        "book_id": "b",
        "discipline": "computer_science",
        "standard": "high",
        "question": "Q1",
        "answer": "A1",
    }
    assert list(first) == SCHEMAS["extract"].names
    assert repeated == Drop("repeated_pair", first["qa_id"])
    assert (no_answer, no_question) == (Drop("incomplete_pair", "Q2"), Drop("incomplete_pair", "A3"))
    assert copied == Drop("copied_answer", "Same  text")
    assert other["qa_id"] != first["qa_id"]
    assert module.parse([], RECORD) == Drop("no_pairs")


def test_extract_names_the_unit_by_chunk_and_standard():
    module = get_stage("extract")
    assert unit_id(module, {**RECORD, "prompt": "extract_low"}) == "c:low"
    assert unit_id(module, RECORD) == "c:high"
    low = module.parse([{"question": "Q", "answer": "A"}], {**RECORD, "prompt": "physics_low"})[0]
    high = module.parse([{"question": "Q", "answer": "A"}], RECORD)[0]
    assert (low["standard"], high["standard"]) == ("low", "high") and low["qa_id"] != high["qa_id"]
    assert module.fields(RECORD) == {"document": "CHUNK", "discipline": "computer science"}


def test_other_units_are_named_by_the_first_column():
    assert unit_id(get_stage("refine"), RECORD) == "q"


def test_refine_reads_the_pair_beside_its_chunk():
    module = get_stage("refine")
    assert module.fields(RECORD) == {"document": "CHUNK", "question": "QUESTION", "answer": "ANSWER"}
    new = {"analysis": "x", "question": "Q", "answer": "A"}
    assert module.parse(new, RECORD) == {"question": "Q", "answer": "A"}
    assert module.parse({}, RECORD) == Drop("not_self_contained")
    assert module.parse({**new, "answer": "Q"}, RECORD) == Drop("copied_answer", "Q")


def test_distill_cot_leaves_reasoned_answers_alone():
    module = get_stage("distill_cot")
    assert module.fields({**RECORD, "has_reasoning": True}) is None
    assert module.fields(RECORD) == {"question": "QUESTION", "answer": "ANSWER"}
    assert module.parse({"answer": "because"}, RECORD) == {"answer": "because", "has_reasoning": True}


def test_filter_tells_why():
    assert get_stage("filter").parse({"analysis": "needs Figure 2", "decision": "REJECT"}, RECORD) == Drop(
        "rejected", "needs Figure 2"
    )


def test_decontaminate_names_the_item_and_skips_what_the_search_skipped():
    module = get_stage("decontaminate")
    assert module.parse({"decision": "YES"}, RECORD) == Drop("contaminated", "bench item")
    assert module.fields({**RECORD, "skipped": True}) is None


def test_reference_or_none():
    module = get_stage("reference")
    assert module.parse({"reference": "42 m"}, RECORD) == {"reference_answer": "42 m"}
    assert module.parse({}, RECORD) == Drop("no_reference")


def test_evaluate_never_gives_the_answer_away():
    fields = get_stage("evaluate").fields(RECORD)
    assert "ANSWER" not in str(fields)
    assert fields["options"] == [{"letter": "A", "text": "yes"}, {"letter": "B", "text": "no"}]
    with pytest.raises(InputError, match="item item: has 27 options"):
        get_stage("evaluate").fields({**RECORD, "options": ["x"] * 27})


KINDS = ("choice", "multi_choice", "boolean", "yes_no_maybe", "number", "quantity", "expression", "equation", "set")
KINDS += ("tuple", "interval", "matrix", "text", "auto")


@pytest.mark.parametrize("path", [PROMPTS / "evaluate.j2", PROMPTS / "small" / "evaluate.j2"], ids=["paper", "small"])
@pytest.mark.parametrize("kind", KINDS)
def test_evaluation_prompts_know_every_kind(path, kind):
    options = ["first option", "second option"] if "choice" in kind else None
    item = {**RECORD, "kind": kind, "options": options, "context": "ABSTRACT", "unit": "kJ/mol"}
    [message] = load_prompt(path).render(get_stage("evaluate").fields(item))
    text = message["content"]
    assert text.startswith("ABSTRACT") and "QUESTION" in text and "The answer is" in text
    assert ("B. second option" in text) == (options is not None)
    assert "\n\n\n" not in text
    if kind in ("number", "quantity"):
        assert "kJ/mol" in text


def test_what_the_samples_of_a_question_share_comes_before_the_sample():
    for name, path in PRODUCTION + SMALL:
        if name == "difficulty_score":
            text = load_prompt(path).render(get_stage(name).fields(RECORD))[-1]["content"]
            assert text.index("QUESTION") < text.index("REFERENCE") < text.index("RESPONSE")


@pytest.mark.parametrize("reference", [None, "", " \n"])
def test_a_question_without_reference_answer_is_not_sampled(reference):
    module = get_stage("difficulty_sample")
    assert module.fields({**RECORD, "reference_answer": reference}) == Drop("missing_reference")


def test_a_sampled_answer_is_found_by_its_question():
    row = get_stage("difficulty_sample").parse({"text": "42"}, RECORD)
    assert row == {"sample_id": "q:3", "id": "q", "response": "42"}
    assert get_stage("difficulty_score").parse({"score": "10"}, RECORD) == {"score": 10}
    assert get_stage("response_length").parse({"text": "42"}, RECORD) == {"id": "q", "n_tokens": 100}


def test_annotate_writes_every_solution_or_those_of_hard_questions():
    module = get_stage("annotate")
    assert module.fields(RECORD) == {"question": "QUESTION"}
    hard, easy, unknown = ({**RECORD, "below": 6, "difficulty": mean} for mean in (5.99, 6.0, None))
    assert module.fields(hard) == {"question": "QUESTION"}
    assert module.fields(easy) is None
    assert module.fields(unknown) is None


def test_an_annotated_response_may_be_so_long_and_no_longer():
    module = get_stage("annotate")
    assert module.parse({"answer": "so"}, {**RECORD, "completion_tokens": 4096}) == {"answer": "so", "annotated": True}
    drop = Drop("too_long", "4097 tokens, 4096 are allowed")
    assert module.parse({"answer": "so"}, {**RECORD, "completion_tokens": 4097}) == drop
