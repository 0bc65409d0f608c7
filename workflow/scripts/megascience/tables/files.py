"""Small result files that tables read."""

import json
from pathlib import Path
from typing import Any

from ..records import InputError


def read_json(path: str | Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        InputError: the file is not JSON, or not an object.
    """
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable JSON file ({error}); delete it and run again") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: a JSON object is expected; delete it and run again")
    return value
