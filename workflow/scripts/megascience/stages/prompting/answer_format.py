"""Answers: reads a completion by the form that its prompt declares, and writes the grammar of that form.

Answers are tagged text, since LaTeX does not survive the escapes of JSON. Nothing is guessed: what
has not the declared form is unreadable, whoever asks.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from megascience.scoring.text.thoughts import split_thought

#: The longest run of white space that a grammar allows: deep enough for indented code, and an end to
#: the blanks that a small model otherwise writes until its token limit.
MAX_BLANKS = 32

#: What a reader takes for nothing at the ends of free text: Unicode's white space (what `str.strip` removes) and the
#: signs without any width. One set for the reader and the grammar, so that no grammar allows what reads as empty.
BLANKS = "".join(c for c in map(chr, range(0x3001)) if c.isspace()) + "\u200b\u2060\ufeff"

_ATTRIBUTE = r"""(?:[ \t]{1,4}[\w:-]+=(?:"[^"<>\n]*"|'[^'<>\n]*'|[^\s<>"'/]+))"""

# What may stand around a word without changing it. Signs that do change it (! ~ ¬ - before it, ? after
# it) are left in place, so that the word is not recognised.
_BEFORE_WORD = BLANKS + "#*_`\"'“‘«([{「【"
_AFTER_WORD = BLANKS + "*_`\"'”’»)]}」】.,;:!。，；：！"


@dataclass(frozen=True)
class AnswerFormat:
    """The declared form of an answer.

    Attributes:
        tags: tag → its allowed words, or None for free text, in order; empty for free text without tags.
        repeat: the group of tags may come several times.
        max_repeat: how many groups the grammar allows.
        none: the word that says, standing alone, that there is nothing to give.
    """

    tags: Mapping[str, tuple[str, ...] | None]
    repeat: bool = False
    max_repeat: int = 64
    none: str | None = None

    def read(self, text: str) -> list[dict[str, str]] | None:
        """Return the answer's groups (tag → content), or None where the text has not the declared form.

        Not repeating: a list of one group, made of the last complete blocks in order. Repeating: all
        groups; one that is cut off or lacks a block is given with "" for what is missing, as long as
        another is complete. The list is empty where the text says the `none` word. Free text without
        tags gives `[{"text": …}]`.

        A thought (`scoring.text.thoughts`) is left out; one that never ended left no answer. Case, blanks
        and attributes in tags and Markdown around them do not matter. A word must be one of the declared
        ones, whatever its case and the Markdown and punctuation around it. Free text is not changed, except
        that blanks (`BLANKS`) at its ends go: for every text that is not empty and holds neither a tag of its own
        block nor a mark of a thought, reading what was written gives the text back. A block that holds
        its own opening tag began again if that tag starts a line; else nobody knows what is meant, and
        the block is not read.
        """
        if not self.tags:
            content = text.strip(BLANKS)
            return [{"text": content}] if content else None
        answer = split_thought(text)[1]
        if answer is None:
            return None  # the thought never ended
        text = answer
        blocks, end = self._blocks(text)
        groups = self._all_groups(blocks) if self.repeat else self._last_group(blocks)
        complete = any(all(group.values()) for group in groups)
        if self._says_none(text[end:]):
            return None if complete else []  # both a pair and the word that there is none: not a clear answer
        if not complete:
            return None
        return [group for group in groups if not all(self._is_none(value) for value in group.values())]

    def _blocks(self, text: str) -> tuple[list[tuple[str, str]], int]:
        """Return the (tag, content) of each block from left to right, "" where it cannot be read, and their end.

        What stands inside a block is its content, whatever tags it mentions.
        """
        tokens = [(m.start(), m.end(), m["tag"].lower(), bool(m["close"])) for m in self._token.finditer(text)]
        next_close: list[int | None] = []
        upcoming: dict[str, int] = {}
        for i in reversed(range(len(tokens))):
            next_close.append(upcoming.get(tokens[i][2]))
            if tokens[i][3]:
                upcoming[tokens[i][2]] = i
        next_close.reverse()
        opened_before: list[int] = []
        latest: dict[str, int] = {}
        for i, (_, _, tag, is_close) in enumerate(tokens):
            opened_before.append(latest.get(tag, -1))
            if not is_close:
                latest[tag] = i

        blocks: list[tuple[str, str]] = []
        i = end = 0
        while i < len(tokens):
            start, after, tag, is_close = tokens[i]
            j = next_close[i]
            if is_close or j is None:
                i += 1
                continue
            words = self.tags[tag]
            again = opened_before[j]
            if words is not None and j > i + 1:
                i += 1  # a word holds no tag: this one is only mentioned
                continue
            content = _content(text, start, after, tokens[j][0], tokens[j][1])
            if again > i:
                between = text[tokens[again - 1][1] : tokens[again][0]]
                if again == i + 1 and not between.strip() or _starts_line(text, tokens[again][0]):
                    i += 1
                    continue
                content = ""
            blocks.append((tag, content if words is None else _word(content, words) or ""))
            end = tokens[j][1]
            i = j + 1
        return blocks, end

    def _last_group(self, blocks: list[tuple[str, str]]) -> list[dict[str, str]]:
        """Return the last block of the last tag, before it the last one of the tag before, and so on."""
        group: dict[str, str] = {}
        rest = list(blocks)
        for tag in reversed(list(self.tags)):
            while rest and rest[-1][0] != tag:
                rest.pop()
            group[tag] = rest.pop()[1] if rest else ""
        return [{tag: group[tag] for tag in self.tags}]

    def _all_groups(self, blocks: list[tuple[str, str]]) -> list[dict[str, str]]:
        """Return the groups; one starts with the first tag, or where a tag stands before the latest one."""
        order = list(self.tags)
        groups: list[dict[str, str]] = []
        at = len(order)
        for tag, content in blocks:
            if order.index(tag) in (0, *range(at)):
                groups.append(dict.fromkeys(order, ""))
            at = order.index(tag)
            groups[-1][tag] = content
        return groups

    def _is_none(self, text: str) -> bool:
        return self.none is not None and _word(text, (self.none,)) is not None

    def _says_none(self, text: str) -> bool:
        lines = (line for line in reversed(text.splitlines()) if line.strip(_BEFORE_WORD + _AFTER_WORD))
        return self._is_none(next(lines, ""))

    @cached_property
    def _token(self) -> re.Pattern[str]:
        # Cases are spelt out: with re.IGNORECASE the long s of "queſtion" would pass for an s.
        names = "|".join("".join(f"[{_either_case(c)}]" for c in tag) for tag in self.tags)
        return re.compile(rf"<[ \t]{{0,4}}(?P<close>/?)[ \t]{{0,4}}(?P<tag>{names}){_ATTRIBUTE}{{0,8}}[ \t]{{0,4}}>")

    def grammar(self) -> str | None:
        """Return a GBNF grammar (llama.cpp, xgrammar) of the answers in this form, or None for free text.

        Free text may hold anything but the tags of this format, does not start with a blank, except for one line
        feed, and holds no run of more than `MAX_BLANKS` of them (`BLANKS`). Every complete text of the grammar can
        be read, unless it holds a tag of its own with a blank after the bracket (`< question>`).
        """
        if not self.tags:
            return None
        parts = []
        rules = []
        for tag, words in self.tags.items():
            if words is None:
                name = tag.replace("_", "-")
                parts.append(f'"<{tag}>" {name}')
                rules += self._text_rules(tag, name)
            else:
                choice = " | ".join(f'"{word}"' for word in words)
                parts.append(f'"<{tag}>" ({choice}) "</{tag}>"')
        group = ' "\\n" '.join(parts)
        root = "group" if not self.repeat else f'group ("\\n" group){{0,{self.max_repeat - 1}}}'
        if self.none is not None:
            root = f'"{self.none}" | {root}'
        return "\n".join([f"root ::= {root}", f"group ::= {group}", *rules]) + "\n"

    def _text_rules(self, tag: str, name: str) -> list[str]:
        """Return the rules of free text and its closing tag: one rule for each beginning of a tag that was read.

        What has begun like a tag of the format may not end like it, except as the text's own closing tag.
        """
        own = f"</{tag}>"
        tags = [f"<{slash}{other}>" for other in self.tags for slash in ("", "/")]
        begun = sorted({t[:n] for t in tags for n in range(1, len(t) - 1)} | {own[:-1]}, key=lambda p: (len(p), p))
        state = {prefix: f"{name}-{i}" for i, prefix in enumerate(begun, 1)}
        following = {prefix: sorted({t[len(prefix)] for t in tags if t.startswith(prefix)}) for prefix in begun}
        restart = state["<"]
        blank = "".join(f"\\u{ord(c):04x}" for c in BLANKS)
        plain, blanks = f"[^<{blank}]", f"[{blank}]{{1,{MAX_BLANKS}}}"
        rules = [
            f'{name} ::= "\\n"? ({plain} | "<" [^{_either_case(following["<"])}<]) {name}-0',
            f'{name}-0 ::= {plain}* ({blanks} {plain}+)* ({blanks})? "<" {restart}',
        ]
        begun.remove(own[:-1])
        for prefix in begun:
            choices = [f'"<" {restart}', f"[^{_either_case(following[prefix])}<] {name}-0"]
            choices += [f"[{_either_case(c)}] {state[prefix + c]}" for c in following[prefix] if prefix + c in state]
            rules.append(f"{state[prefix]} ::= {' | '.join(choices)}")
        return [*rules, f'{state[own[:-1]]} ::= ">"']


def _either_case(characters: Iterable[str]) -> str:
    return "".join(c + c.upper() if c.isalpha() else c for c in characters)


def _starts_line(text: str, position: int) -> bool:
    return not text[text.rfind("\n", 0, position) + 1 : position].strip(" \t*_`")


def _content(text: str, start: int, after: int, before: int, end: int) -> str:
    """Return a block's content, without Markdown that wraps the tags themselves (`**<a>** … **</a>**`)."""
    content = text[after:before]
    mark = re.search(r"([*_`]{0,3})\Z", text[max(0, start - 3) : start])[1]  # type: ignore[index]
    wrapped = len(content) >= 2 * len(mark) and content.startswith(mark) and content.endswith(mark)
    if mark and wrapped and text.startswith(mark, end):
        content = content[len(mark) : -len(mark)]
    return content.strip(BLANKS)


def _word(content: str, words: tuple[str, ...]) -> str | None:
    """Return the declared word that the content is, whatever its case and the signs around it."""
    bare = content.lstrip(_BEFORE_WORD).rstrip(_AFTER_WORD).casefold()
    return next((word for word in words if word.casefold() == bare), None)
