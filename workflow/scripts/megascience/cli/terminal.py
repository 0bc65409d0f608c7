"""Text for people at a terminal: indented, changes, two texts side by side; colours, tables, progress; all harmless."""

import difflib
import itertools
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from megascience.storage.text import one_line, printable

if TYPE_CHECKING:
    import pandas as pd


def indented(text: str, prefix: str = "    ") -> str:
    """Return harmless text with a prefix before each line."""
    return "\n".join(prefix + line for line in printable(text).split("\n"))


def changes(before: str, after: str) -> list[str]:
    """Return the difference of two texts by sentences, as harmless lines that open with "- ", "+ " or two spaces."""
    lines = difflib.ndiff(_sentences(before), _sentences(after))
    return [printable(line) for line in lines if not line.startswith("?")]


def _sentences(text: str) -> list[str]:
    return [part for line in text.splitlines() for part in re.split(r"(?<=[.!?])\s+", line) if part.strip()]


def side_by_side(left: str, right: str, width: int) -> str:
    """Return two harmless texts in two columns that together are at most `width` characters wide."""
    column = max(8, (width - 3) // 2)
    pairs = itertools.zip_longest(_wrapped(left, column), _wrapped(right, column), fillvalue="")
    return "\n".join(f"{a:<{column}} | {b}".rstrip() for a, b in pairs)


def _wrapped(text: str, width: int) -> list[str]:
    return [part for line in printable(text).expandtabs(4).split("\n") for part in textwrap.wrap(line, width) or [""]]


#: How a line is shown at a terminal, by how it begins. Text of others is indented further than any of these.
_STYLES = (
    (re.compile("=="), "bold cyan"),
    (re.compile("dropped: |lost by "), "red"),
    (re.compile("  - "), "red"),
    (re.compile(r"  \+ "), "green"),
    (re.compile("(pair|row|book|chunk|question) "), "bold"),
    (re.compile("QUESTION +\\|"), "bold"),
)


def show(text: str) -> None:
    """Print harmless text: as it is where it is piped, with colours at a terminal."""
    if not sys.stdout.isatty():
        print(text)
        return
    from rich.text import Text

    console = _console()
    for line in text.split("\n"):
        style = next((style for pattern, style in _STYLES if pattern.match(line)), "")
        # A Text is never read as markup; the terminal breaks long lines, so that they can be copied whole.
        console.print(Text(line, style), soft_wrap=True)


def show_table(table: "pd.DataFrame") -> None:
    """Print a table: aligned columns of plain text where it is piped, a drawn table at a terminal."""
    from megascience.storage.tables import numeric, plain, texts

    if not sys.stdout.isatty():
        print(plain(table))
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Drawn
    from rich.text import Text

    drawn = Drawn(box=SIMPLE_HEAD)
    for name, cells in table.items():
        drawn.add_column(Text(one_line(str(name))), justify="right" if numeric(cells) else "left")
    for row in texts(table, "–"):
        drawn.add_row(*map(Text, row))
    _console().print(drawn)


def progress(label: str) -> Callable[[Iterable[Any]], Iterable[Any]]:
    """Return what goes through something and shows how far it is, on stderr and only at a terminal."""
    if not sys.stderr.isatty():
        return iter
    from rich.console import Console
    from rich.progress import track

    return lambda items: track(items, label, console=Console(stderr=True), transient=True)


def width() -> int:
    """Return the characters of a line of the terminal, 120 where nobody knows."""
    return shutil.get_terminal_size((120, 40)).columns


def _console() -> Any:
    """Return rich's console, which reads neither markup nor emoji names, and lets a broken pipe be handled by us."""
    from rich.console import Console

    class Ours(Console):
        def on_broken_pipe(self) -> None:
            raise

    return Ours(markup=False, emoji=False, highlight=False)
