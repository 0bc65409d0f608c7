"""New project: a folder of its own for one dataset, whose Snakefile imports the workflow as a module."""

import json
import re
import shutil
from pathlib import Path

from megascience.ingest.books import COLUMNS, LEVEL
from megascience.storage.errors import InputError
from megascience.storage.shipped import WORKFLOW

SNAKEFILE = """\
# A project of the MegaScience workflow: its rules, with the settings, books and results of this folder. A file that
# the settings name (a prompt, a table) is looked up here first, then in the workflow's folder.
configfile: "config/config.yaml"


module megascience:
    snakefile:
        {snakefile}
    config:
        config


use rule * from megascience


onstart:
    megascience.onstart()


onsuccess:
    megascience.onsuccess()
"""

_SETTINGS = "config/config.yaml"
_BOOKS = "config/books.tsv"
_PROFILES = ("profiles/default", "profiles/slurm")
_IGNORED = "results/\n.snakemake/\n"


def make_project(folder: str | Path, prompts: bool = False, models: str | Path | None = None) -> list[Path]:
    """Make a project: settings, an empty table of books, profiles and a Snakefile; return what was written.

    Args:
        folder: where; it may be there, but nothing in it is written over.
        prompts: copy the workflow's prompts, too, to edit them; else the workflow's own are used.
        models: the folder of the model files, which several projects may share; by default below the results.

    Raises:
        InputError: something of that name is there already; nothing was written.
    """
    folder = Path(folder)
    settings = (WORKFLOW / _SETTINGS).read_text(encoding="utf-8")
    if models is not None:
        place = json.dumps(str(Path(models).absolute()), ensure_ascii=False)
        settings, found = re.subn(r"(?m)^  models: \S+$", lambda _: f"  models: {place}", settings, count=1)
        assert found, f"{WORKFLOW / _SETTINGS}: names no folder of models"
    snakefile = json.dumps(str(WORKFLOW / "Snakefile"), ensure_ascii=False)
    texts = {
        "Snakefile": SNAKEFILE.format(snakefile=snakefile),
        _SETTINGS: settings,
        _BOOKS: "\t".join((*COLUMNS, LEVEL)) + "\n",
        ".gitignore": _IGNORED,
    }
    copied = [*_PROFILES, *(["prompts"] if prompts else [])]
    there = [str(folder / name) for name in (*texts, *copied, "slurm") if (folder / name).exists()]
    if there:
        raise InputError(f"{', '.join(there)}: there already; name another folder, or move it away")
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for name in copied:
        shutil.copytree(WORKFLOW / name, folder / name)
    (folder / "slurm").symlink_to("profiles/slurm")
    return [folder / name for name in (*texts, *copied, "slurm")]
