"""Why a completion gives no rows, whatever its stage: reason → what it means to a reader."""

from megascience.ingest.reasons import TEXT_REASONS

COMPLETION_REASONS = {
    "context_overflow": "the rendered prompt and its answer do not fit the model's context",
    "unreadable": "the completion did not have the declared form after all retries",
    "truncated": "the completion ended at the token limit before its answer was complete",
    **TEXT_REASONS,
}
