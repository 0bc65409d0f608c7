"""The demo's real models: what was converted still is the model that llama.cpp runs."""

import json
import math
from urllib.request import Request, urlopen

import pytest

TEXT = "F = ma, 3.5×10⁻⁴ J; naïve “quotes”, 1987\n\n  \tdef f(x):  # größe\n<|im_start|>user\nHi<|im_end|>\n"


@pytest.fixture
def serve():
    """Serve a GGUF file by llama.cpp; returns a function that posts JSON to one of its paths."""
    import xllamacpp

    servers = []

    def start(path):
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(path)
        parameters.n_ctx = 512
        parameters.warmup = False
        parameters.verbosity = 1
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 2
        servers.append(xllamacpp.Server(parameters))

        def post(where, body):
            headers = {"Content-Type": "application/json"}
            request = Request(f"{servers[-1].listening_address}/{where}", json.dumps(body).encode(), headers)
            with urlopen(request, timeout=120) as answer:
                return json.load(answer)

        return post

    yield start
    servers.clear()


@pytest.mark.model
def test_the_teachers_tokenizer_counts_as_llamacpp_does(models, serve):
    from tokenizers import Tokenizer

    folder = models / "teacher"
    manifest = json.loads((folder / "model.json").read_text())
    tokenizer = Tokenizer.from_file(str(folder / manifest["tokenizer"]))
    post = serve(folder / manifest["path"])
    theirs = post("tokenize", {"content": TEXT, "add_special": False, "parse_special": True})["tokens"]
    assert tokenizer.encode(TEXT, add_special_tokens=False).ids == theirs


@pytest.mark.model
def test_the_students_checkpoint_predicts_as_its_gguf_does(models, serve, tmp_path):
    import torch
    from megascience.models.fetch import fetch_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    entry = {k: v for k, v in models.entries["student"].items() if k != "convert"}
    manifest = fetch_model("student", entry, tmp_path / "gguf")
    folder = models / "student"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    question = [{"role": "user", "content": "Name the force that keeps the planets on their orbits."}]
    prompt = tokenizer.apply_chat_template(question, tokenize=False, add_generation_prompt=True)
    # long enough that a wrong base of the rotary embedding would show
    prompt += "The planets move around the Sun. " * 30 + "The force that keeps them on their orbits is called"
    ids = tokenizer(prompt, add_special_tokens=False).input_ids
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        ours = torch.log_softmax(model(torch.tensor([ids])).logits[0, -1], dim=-1)
    post = serve(tmp_path / "gguf" / manifest["path"])
    answer = post("completion", {"prompt": ids, "n_predict": 1, "temperature": 0, "n_probs": 5})
    theirs = answer["completion_probabilities"][0]["top_logprobs"]
    assert theirs[0]["id"] == int(ours.argmax())
    # llama.cpp rounds activations to 8 bits, the checkpoint was rounded to bfloat16
    for token in theirs[:3]:
        assert math.isclose(token["logprob"], float(ours[token["id"]]), abs_tol=0.4)
