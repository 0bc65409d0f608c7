"""The files of the library that a file imports, told from its import lines alone."""

import ast
from pathlib import Path


def library_files(script: Path, scripts: Path, without: tuple[str, ...] = ()) -> set[Path]:
    """Return the file and the files of the library that it imports, now or in a function, directly or not.

    Args:
        scripts: the folder that the library is in.
        without: modules and packages that are left out with what they import.
    """
    found: set[Path] = set()
    todo = [script]
    while todo:
        file = todo.pop()
        if file in found:
            continue
        found.add(file)
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "megascience":
                for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                    path = scripts.joinpath(*name.split("."))
                    if not without or not name.startswith(without):
                        todo += [p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()]
    return found
