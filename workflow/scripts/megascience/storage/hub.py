"""Hub: files of a data set on the Hugging Face hub at a pinned revision."""

from collections.abc import Sequence
from pathlib import Path

from megascience.storage.errors import InputError


def dataset_files(repo: str, revision: str, patterns: Sequence[str], wanted_by: str) -> list[Path]:
    """Fetch the files of a data set at a revision; a cached copy is used where it is complete.

    Args:
        patterns: file names or globs in the repository; the files come in their order, each once.
        wanted_by: who asks, for messages.

    Raises:
        InputError: the repository cannot be had, or has no file of a pattern.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        folder = snapshot_download(repo, repo_type="dataset", revision=revision, allow_patterns=list(patterns))
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise InputError(
            f"{wanted_by}: {repo} at {revision} cannot be had ({error}); "
            "accept its terms and log in, or give a local path"
        ) from error
    paths: list[Path] = []
    for pattern in patterns:
        found = sorted(path for path in Path(folder).glob(pattern) if path.is_file())
        if not found:
            raise InputError(f"{wanted_by}: {repo} has no file {pattern!r} at {revision}")
        paths += [path for path in found if path not in paths]
    return paths
