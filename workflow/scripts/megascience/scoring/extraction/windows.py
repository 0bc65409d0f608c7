"""Windows: the stretches of a completion around its last cues, which are all that the patterns for statements see.

A completion may be a megabyte of anything. Words are found in it by plain search, which is linear; patterns, whose
work may grow faster, only run over a few hundred characters around the last of these words.
"""

import re
from collections import deque
from collections.abc import Iterable, Sequence

#: So many last cues are looked at: the last statement wins, and a text with hundreds of them is a loop.
LAST = 48
#: A letter that stands alone, or a small one in brackets, as options are named.
LONE_LETTER = re.compile(r"(?<![A-Za-z0-9'’])[A-Z](?![A-Za-z0-9'’])|\([a-j]\)|(?<=ption |hoice )[a-z]\b")
Window = tuple[int, int]


def lowered(text: str) -> str:
    """Return a text in lower case with the same length, so that places in it are places in the text."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def places(lower: str, start: int, stop: int, words: Iterable[str], last: int = LAST) -> list[int]:
    """Return where the last of some words stand, in order."""
    found = []
    for word in words:
        at, count = lower.rfind(word, start, stop), 0
        while at >= 0 and count < last:
            found.append(at)
            count += 1
            at = lower.rfind(word, start, at + len(word) - 1)
    return sorted(found)[-last:]


def letters(text: str, start: int, stop: int) -> list[int]:
    """Return where the last letters stand that may name options."""
    return list(deque((match.start() for match in LONE_LETTER.finditer(text, start, stop)), LAST))


def windows(text: str, start: int, stop: int, cues: Sequence[int], before: int, after: int) -> list[Window]:
    """Return the stretches around cues, merged where they touch, at the borders of lines where these are near."""
    found: list[Window] = []
    for at in cues:
        left, right = max(start, at - before), min(stop, at + after)
        line = text.rfind("\n", max(start, left - before), left)
        left = line + 1 if line >= 0 else left
        line = text.find("\n", right, min(stop, right + after))
        right = (
            line if line >= 0 else min(stop, text.find(" ", right)) if text.find(" ", right, right + 40) >= 0 else right
        )
        if found and left <= found[-1][1]:
            found[-1] = (found[-1][0], max(right, found[-1][1]))
        else:
            found.append((left, right))
    return found
