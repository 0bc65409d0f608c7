"""Schemas of the rows between stages."""

import pyarrow as pa

from megascience.storage.schema import INT, TEXT, record_schema

_PAIR = {
    "qa_id": TEXT,
    "chunk_id": TEXT,
    "book_id": TEXT,
    "discipline": TEXT,
    "standard": TEXT,
    "question": TEXT,
    "answer": TEXT,
}

#: The columns of each stage's kept rows. The first column is the row's id.
SCHEMAS: dict[str, pa.Schema] = {
    "digitize": record_schema(page_id=TEXT, book_id=TEXT, page=INT, text=TEXT, engine=TEXT, engine_version=TEXT),
    # What the model is shown of a book, with what the shelf says of it; `offered` are the workflow's disciplines.
    "classify_books": record_schema(
        book_id=TEXT,
        title=TEXT,
        disciplines=pa.list_(TEXT),
        level=TEXT,
        offered=pa.list_(TEXT),
        contents=TEXT,
        sample=TEXT,
    ),
    "classify": record_schema(book_id=TEXT, title=TEXT, disciplines=pa.list_(TEXT), level=TEXT),
    "chunk": record_schema(
        chunk_id=TEXT,
        book_id=TEXT,
        discipline=TEXT,
        page_first=INT,
        page_last=INT,
        n_tokens=INT,
        text=TEXT,
    ),
    "extract": record_schema(**_PAIR),
    "dedup": record_schema(**_PAIR),
    "refine": record_schema(**_PAIR),
    "judge_cot": record_schema(**_PAIR, has_reasoning=pa.bool_()),
    "distill_cot": record_schema(**_PAIR, has_reasoning=pa.bool_()),
    "filter": record_schema(**_PAIR, has_reasoning=pa.bool_()),
    "decontaminate": record_schema(**_PAIR, has_reasoning=pa.bool_()),
    "reference": record_schema(**_PAIR, has_reasoning=pa.bool_(), reference_answer=TEXT),
    # A public set's row: `row_id` is its own id, `file` and `row` (from 1) its place, where its answer may be null.
    "import_source": record_schema(
        qa_id=TEXT,
        source=TEXT,
        question=TEXT,
        answer=TEXT,
        reference_answer=TEXT,
        subject=TEXT,
        licence=TEXT,
        file=TEXT,
        row=INT,
        row_id=TEXT,
        revision=TEXT,
    ),
    # A row of ours beside a benchmark item that may be the same; `skipped` pairs are not judged.
    "search": record_schema(
        pair_id=TEXT,
        qa_id=TEXT,
        question=TEXT,
        benchmark=TEXT,
        item_id=TEXT,
        item_question=TEXT,
        similarity=pa.float64(),
        ngram_overlap=pa.float64(),
        skipped=pa.bool_(),
    ),
    # The judge's verdict on each candidate: yes, no, unreadable or skipped.
    "verdicts": record_schema(
        pair_id=TEXT,
        qa_id=TEXT,
        benchmark=TEXT,
        item_id=TEXT,
        similarity=pa.float64(),
        ngram_overlap=pa.float64(),
        verdict=TEXT,
        rationale=TEXT,
        model=TEXT,
        revision=TEXT,
    ),
    # A middling model's answers to a question, one row a sample; `id` is the question's row.
    "difficulty_sample": record_schema(
        sample_id=TEXT,
        id=TEXT,
        sample=INT,
        question=TEXT,
        reference_answer=TEXT,
        response=TEXT,
        completion_tokens=INT,
    ),
    # What these answers are worth, from 0 to 10: the mean and the standard deviation over those that have a score,
    # and all scores in the order of the samples, null where there is none.
    "difficulty_score": record_schema(
        id=TEXT,
        mean=pa.float64(),
        spread=pa.float64(),
        n_scored=INT,
        n_unreadable=INT,
        scores=pa.list_(INT),
    ),
    "response_length": record_schema(id=TEXT, n_tokens=INT),
    "evaluate": record_schema(
        item_id=TEXT,
        benchmark=TEXT,
        sample=INT,
        # What the item adds to its benchmark's score, by the benchmark's metric; the same in all its samples.
        item_score=pa.float64(),
        # The messages as JSON.
        prompt=TEXT,
        completion=TEXT,
        finish_reason=TEXT,
        completion_tokens=INT,
        extracted=TEXT,
        rule=TEXT,
        reference=TEXT,
        verdict=TEXT,
        reason=TEXT,
    ),
}

#: The columns that a stage adds to rows of any kind, whose own columns stay.
ADDED: dict[str, pa.Schema] = {
    # `annotated` is true where the answer is new, null where the row passed through.
    "annotate": record_schema(annotated=pa.bool_()),
}
