"""Classify: the subject and the academic level of a book, by its title, its contents and some of its pages.

What the shelf says wins and is not asked: a book whose disciplines and level are both there passes through. A
book below university level is left out, and so is one whose subject is none of the disciplines.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from megascience.stages.stage import Record
from megascience.storage.drops import Drop
from megascience.storage.schema import TEXT, record_schema

#: The disciplines of each subject that the model may name. Books of biology and medicine may serve both.
SUBJECTS: dict[str, tuple[str, ...]] = {
    "PHYSICS": ("physics",),
    "BIOLOGY": ("biology",),
    "CHEMISTRY": ("chemistry",),
    "MEDICINE": ("medicine",),
    "BIOLOGY AND MEDICINE": ("biology", "medicine"),
    "COMPUTER SCIENCE": ("computer_science",),
    "MATHEMATICS": ("mathematics",),
    "ECONOMICS": ("economics",),
    "OTHER": (),
}
LEVELS = ("SCHOOL", "UNDERGRADUATE", "GRADUATE")

FIELDS = ("title", "contents", "sample", "subject", "level")
ANSWER = {"subject": tuple(SUBJECTS), "level": LEVELS}
SCHEMA = record_schema(book_id=TEXT, title=TEXT, disciplines=pa.list_(TEXT), level=TEXT)
REASONS = {
    "below_university": "the book is written for a school, not for a university",
    "other_subject": "the book's subject is none of the disciplines",
}


def fields(record: Record) -> dict[str, Any] | Drop | None:
    """Return the prompt's variables for a book.

    `subject` and `level` are what the shelf has settled, in the words of the answer, or None: the model is told
    to copy them, and what it writes there plays no part.
    """
    level, disciplines = record["level"], record["disciplines"]
    if level == "school":
        return Drop("below_university", "the shelf says so")
    if level and disciplines:
        return None
    return {
        "title": record["title"],
        "contents": record["contents"],
        "sample": record["sample"],
        "subject": _subject(disciplines) if disciplines else None,
        "level": level.upper() or None,
    }


def _subject(disciplines: Sequence[str]) -> str:
    """Return the word that says most of the disciplines."""
    return max(SUBJECTS, key=lambda word: len(set(SUBJECTS[word]) & set(disciplines)) - len(SUBJECTS[word]) / 10)


def parse(answer: dict[str, str], record: Record) -> dict[str, Any] | Drop:
    """Return the book's level and those of its disciplines that the workflow serves (`record["offered"]`)."""
    level = record["level"] or answer["level"].lower()
    if level == "school":
        return Drop("below_university", _verdict(answer))
    disciplines = record["disciplines"] or SUBJECTS[answer["subject"]]
    served = [name for name in disciplines if name in record["offered"]]
    if not served:
        return Drop("other_subject", _verdict(answer))
    return {"disciplines": served, "level": level}


def _verdict(answer: dict[str, str]) -> str:
    return f"{answer['subject']}, {answer['level']}: {answer.get('analysis', '')}".rstrip(": ")
