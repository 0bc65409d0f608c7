"""Models: the files of a model from the first source that has them, checked, with a manifest.

A model's folder holds its files and `model.json`, the manifest that the rules depend on. The manifest is
written last, so that a folder without one is unfinished. `files.json` beside it says from which config
entry the files were made: with it a fetch that is asked for again finds the files right and keeps them.
"""

import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from megascience.models.origins import SourceError, describe, gather
from megascience.storage.errors import InputError
from megascience.storage.files import file_sha256, write_json
from megascience.storage.ids import content_id

logger = logging.getLogger("megascience")

#: The files of a hub repository that a model of each format needs: weights as safetensors, never pickles.
HUB_FILES = {
    "huggingface": ["*.json", "*.safetensors", "*.txt", "*.jinja", "tokenizer.model"],
    "sentence_transformers": ["*.json", "*.txt", "model.safetensors", "1_Pooling/*"],
    "gguf": ["*.gguf"],
}

#: The keys of an entry that decide which files a model has.
_RECIPE = ("format", "sha256", "quantize", "convert", "sources")


def fetch_model(name: str, entry: Mapping[str, Any], folder: str | Path) -> dict[str, Any]:
    """Bring a model's files into `folder` and return its manifest, which is also written as `model.json`.

    Args:
        name: the model's name in the config, for messages.
        entry: its entry there: `name`, `revision`, `format` ("gguf", "huggingface", "sentence_transformers"
            or "served"), `sources` (tried in this order, see `sources.gather`; the hub's repository of
            that name at that revision where there are none), and as need be
            `sha256` (of the GGUF file, or of a folder's `model.safetensors`),
            `quantize` (requantise the GGUF file to this type) and
            `convert: huggingface` (make a Hugging Face checkpoint of the GGUF file).
        folder: where the files go; it belongs to this function.

    Two fetches of one folder take turns, on one machine or over a file system that shares its locks.

    The manifest has `name`, `revision`, `format`, `path` (the model file, or "." for the folder; "" for a
    served model), `tokenizer` (the `tokenizer.json`, or "") and `files` (path -> SHA-256), all relative to
    the folder.

    Raises:
        InputError: the entry is faulty, or no source gave the right files: the message lists
            each source with why it failed, and the fix.
    """
    folder = Path(folder)
    _check_entry(name, entry)
    if entry["format"] == "served":
        return _write_manifest(folder, entry, {})
    with _alone(name, folder):
        return _fetch(name, entry, folder)


@contextmanager
def _alone(name: str, folder: Path) -> Iterator[None]:
    """Hold a folder's lock, which stands beside it: a second fetch waits, then finds the files of the first."""
    from filelock import FileLock, Timeout

    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        logger.info("%s: another job fetches this model; waiting for it", name)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _fetch(name: str, entry: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    recipe = content_id(json.dumps({key: entry.get(key) for key in _RECIPE}, sort_keys=True))
    files = _files_in_place(folder, recipe)
    if files is None:
        staged = _from_first_source(name, entry, folder, recipe)
        finished = _finish(entry, staged, folder)
        files = _move_into_place(finished, folder)
        for leftover in folder.glob(".incoming-*"):
            shutil.rmtree(leftover)
        write_json(folder / "files.json", {"recipe": recipe, "files": files})
    else:
        logger.info("%s: the files are there and right", name)
    return _write_manifest(folder, entry, files)


def sources_of(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return where a model's files may be had: its `sources`, or the hub's repository of its name and revision."""
    if entry.get("sources") or entry["format"] == "served":
        return list(entry.get("sources", ()))
    return [{"hub": entry["name"], "revision": entry["revision"], "allow_patterns": HUB_FILES[entry["format"]]}]


def _check_entry(name: str, entry: Mapping[str, Any]) -> None:
    quantize = entry.get("quantize", "")
    if (quantize or entry.get("convert")) and entry["format"] != "gguf":
        raise InputError(f"config: models.{name}: quantize and convert are for format gguf; remove them")
    if quantize and entry.get("convert"):
        raise InputError(f"config: models.{name}: quantize and convert exclude each other; remove one")
    if quantize and quantize.lower() not in entry["revision"].lower():
        raise InputError(
            f"config: models.{name}.revision is {entry['revision']!r} and does not tell of quantize: {quantize}, "
            f"so that records could not tell the two files apart; write it as {entry['revision']}-{quantize.lower()}"
        )
    for source in sources_of(entry):
        if "hub" in source and not source.get("revision") and not entry.get("sha256"):
            raise InputError(f"config: models.{name}: the source {describe(source)} names no revision; pin one")


def _files_in_place(folder: Path, recipe: str) -> dict[str, str] | None:
    """Return the files of an earlier fetch by the same recipe, if each still has its SHA-256."""
    try:
        earlier = json.loads((folder / "files.json").read_text(encoding="utf-8"))
        if earlier["recipe"] == recipe and all(file_sha256(folder / p) == s for p, s in earlier["files"].items()):
            return dict(earlier["files"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _from_first_source(name: str, entry: Mapping[str, Any], folder: Path, recipe: str) -> Path:
    """Return a staging folder with the files of the first source that has the right ones."""
    faults = []
    for number, source in enumerate(sources_of(entry)):
        # a stable name, so that a large download goes on where it was cut off
        staged = folder / f".incoming-{recipe}-{number}"
        staged.mkdir(parents=True, exist_ok=True)
        try:
            logger.info("%s: trying %s", name, describe(source))
            gather(source, staged)
            _check_files(entry, staged)
            return staged
        except SourceError as error:
            logger.warning("%s: %s: %s", name, describe(source), error)
            faults.append(f"  {describe(source)}: {error}")
    raise InputError(
        f"config: models.{name}: no source gave the model {entry['name']} at {entry['revision']}:\n"
        + "\n".join(faults)
        + f"\nMake one of them reachable, or put the files on this machine and add a source "
        f"`path: FOLDER_OR_FILE` to models.{name}.sources"
    )


def _check_files(entry: Mapping[str, Any], staged: Path) -> None:
    """Check that the staged files are what the entry's format needs and have its SHA-256."""
    if entry["format"] == "gguf":
        found = sorted(staged.rglob("*.gguf"))
        if len(found) != 1:
            raise SourceError(f"it gave {len(found)} GGUF files where one is needed")
        weights = found[0]
        with open(weights, "rb") as handle:
            if handle.read(4) != b"GGUF":
                raise SourceError(f"{weights.name} is not a GGUF file")
    else:
        if not (staged / "config.json").is_file():
            raise SourceError("it gave no config.json")
        if not any(staged.rglob("*.safetensors")):
            raise SourceError("it gave no safetensors file")
        weights = staged / "model.safetensors"
    expected = entry.get("sha256")
    if expected:
        if not weights.is_file():
            raise SourceError(f"it gave no {weights.name}, whose sha256 the config names")
        if (found_sha256 := file_sha256(weights)) != expected:
            raise SourceError(f"{weights.name} has sha256 {found_sha256}, but the config wants {expected}")


def _finish(entry: Mapping[str, Any], staged: Path, folder: Path) -> Path:
    """Make of the staged files what the entry asks for, and return the folder where that lies."""
    from megascience.models.weights import requantize, save_tokenizer, to_huggingface

    if entry["format"] != "gguf":
        return staged
    source = next(iter(sorted(staged.rglob("*.gguf"))))
    finished = folder / ".incoming-finished"
    shutil.rmtree(finished, ignore_errors=True)
    finished.mkdir()
    if entry.get("convert"):
        to_huggingface(source, finished)
        return finished
    save_tokenizer(source, finished)
    if entry.get("quantize"):
        requantize(source, finished / "model.gguf", entry["quantize"])
    else:
        shutil.move(source, finished / "model.gguf")
    return finished


def _move_into_place(finished: Path, folder: Path) -> dict[str, str]:
    """Replace the folder's files by those of `finished`; return path -> SHA-256, sorted."""
    for old in folder.iterdir():
        if not old.name.startswith(".incoming-"):
            shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
    files = {}
    for path in sorted(p for p in finished.rglob("*") if p.is_file()):
        relative = path.relative_to(finished)
        if any(part.startswith(".") for part in relative.parts):  # the hub's own bookkeeping
            continue
        target = folder / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)
        if not target.is_symlink():
            target.chmod(0o644)
        files[relative.as_posix()] = file_sha256(target)
    return files


def _write_manifest(folder: Path, entry: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    kind = "huggingface" if entry.get("convert") else entry["format"]
    manifest = {
        "name": entry["name"],
        "revision": entry["revision"],
        "format": kind,
        "path": {"gguf": "model.gguf", "served": ""}.get(kind, "."),
        "tokenizer": "tokenizer.json" if "tokenizer.json" in files else "",
        "files": dict(files),
    }
    write_json(folder / "model.json", manifest)
    return manifest
