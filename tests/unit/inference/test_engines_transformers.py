import pytest
from megascience.inference.engines.base import ModelSpec, Request, Sampling
from megascience.inference.engines.registry import make_engine
from megascience.storage.errors import EngineError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from megascience.inference.engines.transformers import _Draw, _Row  # noqa: E402

WORDS = ["<pad>", "<end>", "<user>", "<answer>", *[f"w{i}" for i in range(28)]]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A random Llama of 32 words with a chat template, saved as any checkpoint is."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("checkpoint")
    inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<pad>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<end>", pad_token="<pad>")
    tokenizer.chat_template = (
        "{% for m in messages %}<user> {{ m.content }} {% endfor %}{% if add_generation_prompt %}<answer>{% endif %}"
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=128,
        pad_token_id=0,
        eos_token_id=1,
        initializer_range=0.6,
    )
    model = transformers.LlamaForCausalLM(config)
    # Defaults of a checkpoint that must not shape what a request asks for.
    model.generation_config = transformers.GenerationConfig(
        eos_token_id=1, pad_token_id=0, do_sample=True, temperature=5.0, repetition_penalty=3.0
    )
    model.save_pretrained(folder)
    return folder


def ask(folder, requests, context=100, **serving):
    engine = make_engine(ModelSpec("m", "r", "transformers", path=str(folder), context=context, serving=serving))
    engine.start()
    left = iter(requests)
    try:
        return {c.key: c for c in engine.run(lambda: next(left, None))}
    finally:
        engine.close()
        engine.close()


def request(key: str, words: str, **sampling) -> Request:
    return Request(key, ({"role": "user", "content": words},), Sampling(**{"max_tokens": 12, **sampling}))


REQUESTS = [
    request("a", "w1 w2 w3"),
    request("b", " ".join(["w4"] * 40)),
    request("c", "w5", temperature=1.0, seed=1),
    request("d", "w5", temperature=1.0, seed=2),
    request("e", "w6 w7 w8 w9", temperature=1.5, top_p=0.5, seed=3),
    request("f", "w1 w2 w3", max_tokens=2),
]


@pytest.mark.long
def test_a_completion_does_not_depend_on_its_neighbours(checkpoint):
    together = ask(checkpoint, REQUESTS, batch_size=16)
    alone = {}
    for one in REQUESTS:
        alone |= ask(checkpoint, [one], batch_size=1)
    assert together == alone
    assert set(together) == set("abcdef")
    assert together["c"].text != together["d"].text, "the seed matters"


def test_greedy_completions_follow_the_likeliest_token(checkpoint):
    found = ask(checkpoint, REQUESTS[:1])["a"]
    model = transformers.LlamaForCausalLM.from_pretrained(checkpoint, dtype="float32").eval()
    ids = [2, 5, 6, 7, 3]
    written = []
    with torch.inference_mode():
        while len(written) < 12:
            token = int(model(torch.tensor([ids + written])).logits[0, -1].argmax())
            written.append(token)
            if token == 1:
                break
    ended = written[-1] == 1
    assert found.text == " ".join(WORDS[token] for token in written if token > 1)
    assert found.finish_reason == ("stop" if ended else "length")
    assert (found.prompt_tokens, found.completion_tokens) == (5, len(written))


def test_limits(checkpoint):
    found = ask(checkpoint, REQUESTS, context=43)
    assert (found["f"].finish_reason, found["f"].completion_tokens) in {("length", 2), ("stop", 1), ("stop", 2)}
    assert found["b"].prompt_tokens == 42 and found["b"].completion_tokens <= 1, "the context has room for one token"
    found = ask(checkpoint, REQUESTS, context=42)
    assert (found["b"].finish_reason, found["b"].prompt_tokens, found["b"].text) == ("overflow", 42, "")
    assert found["a"].finish_reason != "overflow"


def test_a_checkpoint_that_cannot_chat_or_be_loaded_is_named(checkpoint, tmp_path):
    with pytest.raises(EngineError, match="cannot be loaded"):
        ask(tmp_path, REQUESTS)
    for file in checkpoint.iterdir():
        if file.name != "chat_template.jinja":
            (tmp_path / file.name).symlink_to(file)
    with pytest.raises(EngineError, match="no chat template"):
        ask(tmp_path, REQUESTS)


def test_plain_text_needs_no_chat_template_and_ends_at_its_stops(checkpoint, tmp_path):
    for file in checkpoint.iterdir():
        if file.name != "chat_template.jinja":
            (tmp_path / file.name).symlink_to(file)
    asked = [({"role": "text", "content": f"w1 w2 w{i}"},) for i in range(28)]
    whole = ask(tmp_path, [Request(str(i), text, Sampling(max_tokens=12)) for i, text in enumerate(asked)])
    assert {completion.prompt_tokens for completion in whole.values()} == {3}
    key, words = next((key, words) for key, c in whole.items() if len(set(words := c.text.split())) > 2)
    end = next(word for word in words if word != words[0])
    cut = ask(tmp_path, [Request("a", asked[int(key)], Sampling(max_tokens=12, stop=(f" {end}",)))])["a"]
    assert (cut.text.split(), cut.finish_reason) == (words[: words.index(end)], "stop")


def rows(*samplings: Sampling) -> list[_Row]:
    return [_Row(Request(str(i), (), sampling), []) for i, sampling in enumerate(samplings)]


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (0.5, 1.0), (2.0, 0.7)])
def test_draws_follow_the_distribution_they_are_to_follow(temperature, top_p):
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0, -2.0])
    wanted = (logits / temperature).softmax(-1)
    if top_p < 1:  # the fewest likeliest tokens that hold top_p together
        keep = (wanted.cumsum(-1) - wanted) < top_p
        wanted = torch.where(keep, wanted, 0) / wanted[keep].sum()
        assert 0 < int((~keep).sum()) < 4
    draw = _Draw(rows(Sampling(temperature=temperature, top_p=top_p, seed=9)))
    counts = torch.zeros(5)
    n = 4000
    for _ in range(n):
        counts[int(draw(None, logits[None].clone()).argmax())] += 1
    # Four standard errors of a share.
    error = 4 * (wanted * (1 - wanted) / n).sqrt()
    assert ((counts / n - wanted).abs() <= error + 1e-9).all(), (counts / n, wanted)


def test_a_greedy_row_beside_a_drawn_one_stays_as_it_is():
    scores = torch.tensor([[0.0, 3.0, 1.0], [0.0, 3.0, 1.0]])
    out = _Draw(rows(Sampling(), Sampling(temperature=1.0)))(None, scores.clone())
    assert torch.equal(out[0], scores[0])
    assert not torch.equal(out[1], scores[1])


@pytest.mark.model
def test_the_demos_student_answers(models):
    """The real student, converted from GGUF, says something sensible and stops by itself."""
    import json

    folder = models / "student"
    path = folder / json.loads((folder / "model.json").read_text())["path"]
    question = "What is the capital of France? Answer in one short sentence."
    found = ask(
        path,
        [Request("k", ({"role": "user", "content": question},), Sampling(max_tokens=60))],
        context=2048,
        threads=2,
    )["k"]
    assert "Paris" in found.text
    assert found.finish_reason == "stop"
