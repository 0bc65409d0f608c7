"""The command `megascience`: puts the commands together and turns faults into messages and exit statuses.

Only what is needed to read a command line is imported here: each command imports the rest when it runs.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from megascience.cli.commands import project, rows, runs
from megascience.storage.text import printable

#: The commands by theme, in the order of `--help`.
THEMES: dict[str, tuple[Any, ...]] = {
    "A row": (rows.trace, rows.dropped, rows.contamination, rows.difficulty),
    "A run": (runs.summary, runs.failed, runs.forecast, runs.journal),
    "Before a run": (project.init, project.shelf),
    "Answers": (runs.score,),
}


class Themes(TyperGroup):
    """A group of commands whose help lists them by theme, and whose reader may leave early."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for theme, commands in THEMES.items():
            names = [_name(command) for command in commands]
            with formatter.section(theme):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(100)) for name in names])

    def invoke(self, ctx: Any) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader (head, less) has seen enough; Python would complain again while it closes stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        return result


def _name(command: Any) -> str:
    return str(command.info.name if isinstance(command, typer.Typer) else command.__name__)


def app() -> typer.Typer:
    """Return the command line with all its commands."""
    # The markup of typer's own help costs three times the start of everything else.
    made = typer.Typer(
        name="megascience",
        cls=Themes,
        help="Look into a run of the MegaScience workflow, and prepare one.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    for commands in THEMES.values():
        for command in commands:
            if isinstance(command, typer.Typer):
                made.add_typer(command)
            else:
                made.command()(command)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit status: 0, or 1 for bad input with one message.

    Raises:
        SystemExit: with 2, for wrong usage.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    # A caller's encoding may lack what a book holds; a question mark is better than a stack trace.
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    command = next((word for word in arguments if not word.startswith("-")), "")
    try:
        status = typer.main.get_command(app()).main(arguments, prog_name="megascience", standalone_mode=False)
    except typer.TyperException as error:  # wrong usage
        error.show()  # type: ignore[attr-defined]
        raise SystemExit(error.exit_code) from None
    except typer.Abort:
        return 130
    except ValueError as error:  # InputError is one
        return _fault(command, str(error))
    except OSError as error:
        said = f"{error.filename}: {error.strerror}; fix the path or its permissions" if error.filename else str(error)
        return _fault(command, said)
    return status if isinstance(status, int) else 0


def _fault(command: str, message: str) -> int:
    print(f"megascience {command}: {printable(message)}", file=sys.stderr)
    return 1
