"""Prompts: one file declares what a stage asks and the form of the answer.

A prompt file is a YAML front matter between `---` lines, then Jinja2 with a `user` block and, where
it is wanted, a `system` block:

    ---
    answer:                  # tags in order; each `text` or a list of allowed words
      analysis: text
      decision: [YES, NO]
    ---
    {% block user %}…{% endblock %}

A `text` block in their place is plain text that the model goes on with: no chat template is put around it, as base
models want it. `stop: ["…"]` then says where such a completion ends.

Further keys: `repeat: true` (the group of tags may come several times), `max_repeat` (how often a
grammar allows it, default 64), `none: WORD` (the word alone says that there is nothing to give).
`answer: text` is free text without tags.

From this one declaration come the grammar for engines that can hold a model to it, the check that a
completion is readable, and the blocks that a stage's parser gets. Prompt files are trusted code of
the project; the fields are data and are never read as templates.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import jinja2.meta
import yaml
from jinja2.sandbox import ImmutableSandboxedEnvironment

from megascience.stages.prompting.answer_format import AnswerFormat
from megascience.storage.errors import InputError
from megascience.storage.ids import content_id

_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_KEYS = ("answer", "repeat", "max_repeat", "none", "stop")
_TAG_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]*\Z")


@dataclass(frozen=True)
class Prompt:
    """A prompt file, loaded and checked.

    Attributes:
        name: the file's name without its suffix.
        hash: a hash of the file's content.
        variables: the names that the template asks for.
        answer: the declared form of the answer.
        stop: strings that end a completion, itself without them.
    """

    name: str
    path: str
    hash: str
    variables: frozenset[str]
    answer: AnswerFormat
    template: jinja2.Template = field(repr=False, compare=False)
    stop: tuple[str, ...] = ()

    def render(self, fields: Mapping[str, Any]) -> tuple[dict[str, str], ...]:
        """Return the chat messages (`{"role", "content"}`) for one record's fields; plain text has the role "text".

        Raises:
            InputError: a variable is missing or null, or the template asks for what it may not have.
        """
        for name in sorted(self.variables):
            if name not in fields:
                raise InputError(f"{self.path}: asks for {name!r}; it is given {', '.join(sorted(fields))}")
        messages = []
        try:
            for role in self.template.blocks:
                context = self.template.new_context(dict(fields))
                content = "".join(self.template.blocks[role](context)).strip()
                messages.append({"role": role, "content": content})
        except jinja2.TemplateError as error:
            raise InputError(f"{self.path}: {error}; fix the template") from error
        return tuple(messages)


def _not_null(value: Any) -> Any:
    if value is None:
        raise jinja2.UndefinedError("a variable is null (test it with {% if %} first)")
    return value


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # the reader is a model, not a browser: LaTeX and angle brackets stay as they are
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_not_null,
    )
    environment.globals.clear()
    return environment


def load_prompt(path: str | Path) -> Prompt:
    """Read and check a prompt file.

    Raises:
        InputError: the file is missing, or its front matter or its template is faulty; names file and fault.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such prompt file; fix the path in the config") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 ({error}); save it as UTF-8") from None
    match = _FRONT_MATTER.match(text)
    if match is None:
        raise InputError(f"{path}: does not open with a front matter between two lines ---; declare the answer there")
    answer, stop = _answer_format(path, match[1])
    environment = _environment()
    # Blank lines in place of the front matter keep the line numbers of error messages right.
    source = "\n" * text[: match.end()].count("\n") + text[match.end() :]
    try:
        # Not `environment.parse`, which a code hash would take for a stage's `parse`.
        tree = jinja2.Environment.parse(environment, source)
        template = environment.from_string(source)
    except jinja2.TemplateSyntaxError as error:
        raise InputError(f"{path}, line {error.lineno}: {error.message}") from None
    _check_blocks(path, tree, template)
    return Prompt(
        name=Path(path).stem,
        path=str(path),
        hash=content_id(text),
        variables=frozenset(jinja2.meta.find_undeclared_variables(tree)),
        answer=answer,
        template=template,
        stop=stop,
    )


def _check_blocks(path: str | Path, tree: jinja2.nodes.Template, template: jinja2.Template) -> None:
    roles = list(template.blocks)
    if roles not in (["user"], ["system", "user"], ["text"]):
        given = ", ".join(roles) or "none"
        raise InputError(
            f"{path}: has the blocks {given}; it must have a block user, before it at most system, or one block text"
        )
    if next(jinja2.meta.find_referenced_templates(tree), None) is not None:
        raise InputError(f"{path}: includes another file; write its text here, since a prompt's hash covers one file")
    for node in tree.body:
        loose = isinstance(node, jinja2.nodes.Output) and any(
            not isinstance(part, jinja2.nodes.TemplateData) or part.data.strip() for part in node.nodes
        )
        if loose or not isinstance(node, jinja2.nodes.Output | jinja2.nodes.Block):
            raise InputError(f"{path}, line {node.lineno}: stands outside the blocks, where it is never rendered")


def _answer_format(path: str | Path, front_matter: str) -> tuple[AnswerFormat, tuple[str, ...]]:
    def fault(message: str) -> InputError:
        return InputError(f"{path}: front matter: {message}")

    try:
        # BaseLoader: every scalar stays the text that it is, so that [YES, NO] are words, not booleans.
        head = yaml.load(front_matter, Loader=yaml.BaseLoader)
        repeated = _repeated_key(yaml.compose(front_matter, Loader=yaml.BaseLoader))
    except yaml.YAMLError as error:
        raise fault(f"not YAML ({str(error).splitlines()[0]})") from None
    if not isinstance(head, dict) or "answer" not in head:
        raise fault("the key 'answer' is missing; declare the tags of the answer, or `answer: text`")
    for key in head:
        if key not in _KEYS:
            raise fault(f"unknown key {key!r}; known: {', '.join(_KEYS)}")
    if repeated:
        raise fault(f"key {repeated!r} is given twice")
    stop = head.pop("stop", [])
    if not isinstance(stop, list) or not all(isinstance(text, str) and text.strip() for text in stop):
        raise fault("'stop' must be a list of strings that are not blank")
    if head["answer"] == "text":
        if len(head) > 1:
            raise fault("`answer: text` has no tags, so that no other key but stop may be given")
        return AnswerFormat({}), tuple(stop)
    if not isinstance(head["answer"], dict) or not head["answer"]:
        raise fault("'answer' must be `text` or a mapping from tags to `text` or a list of words")
    tags = {tag: _tag_content(tag, content, fault) for tag, content in head["answer"].items()}
    repeat = head.get("repeat", "false")
    if repeat not in ("true", "false"):
        raise fault(f"'repeat' is {repeat!r}; write true or false")
    if "max_repeat" in head and (repeat != "true" or not re.fullmatch(r"[1-9]\d{0,3}", str(head["max_repeat"]))):
        raise fault("'max_repeat' must be a number from 1 to 9999, beside `repeat: true`")
    none = head.get("none")
    if none is not None and not (isinstance(none, str) and _WORD.match(none)):
        raise fault(f"'none' is {none!r}; write one word of letters")
    return AnswerFormat(tags, repeat == "true", int(head.get("max_repeat", AnswerFormat.max_repeat)), none), tuple(stop)


def _tag_content(tag: str, content: Any, fault: Any) -> tuple[str, ...] | None:
    if not _TAG_NAME.match(tag):
        raise fault(f"tag {tag!r} must be lower-case letters, digits and _")
    if content == "text":
        return None
    if not isinstance(content, list) or not content or not all(isinstance(w, str) and _WORD.match(w) for w in content):
        raise fault(f"tag {tag!r} must be `text` or a list of words of letters and digits")
    if len({word.casefold() for word in content}) < len(content):
        raise fault(f"tag {tag!r} lists a word twice")
    return tuple(content)


def _repeated_key(node: yaml.Node | None) -> str | None:
    """Return a key that stands twice in a mapping, which YAML itself would pass over."""
    if not isinstance(node, yaml.MappingNode):
        return None
    keys = [key.value for key, _ in node.value]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    return twice or next(filter(None, (_repeated_key(value) for _, value in node.value)), None)
