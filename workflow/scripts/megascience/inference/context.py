"""Context: finds the prompts that cannot fit a model's context before anything is sent."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from megascience.inference.engines.base import Message, ModelSpec
from megascience.storage.errors import InputError

#: Tokens that a chat template adds at most to a prompt of a system and a user message (a default system
#: text, dates, markers of roles): Llama 3.3 adds about 40, ChatML models about 30.
TEMPLATE_TOKENS = 128


class ContextCheck:
    """Tells prompts that certainly overflow from those that may fit.

    A token is at least one byte, so that short prompts need no tokenizer. Longer ones are counted with
    the model's tokenizer where there is one (`serving["tokenizer"]` or the model's folder, a folder or
    a tokenizer.json); without one, and within the few tokens that the chat template adds, the engine
    decides. So no prompt that fits is ever left out here.
    """

    def __init__(self, model: ModelSpec) -> None:
        self.model = model

    def overflows(self, messages: Sequence[Message], max_tokens: int) -> bool:
        """Return whether the messages and an answer of `max_tokens` tokens certainly exceed the context."""
        room = self.model.context - max_tokens
        size = sum(len(message["content"].encode()) for message in messages)
        if size + TEMPLATE_TOKENS <= room:
            return False
        if room <= 0:
            return True
        count = self._count
        return count is not None and sum(count(message["content"]) for message in messages) > room

    @cached_property
    def _count(self) -> Callable[[str], int] | None:
        named = self.model.serving.get("tokenizer")
        places = [Path(named)] if named else [Path(self.model.path)] if self.model.path else []
        for place in places:
            file = place / "tokenizer.json" if place.is_dir() else place
            if file.name.endswith(".json") and file.is_file():
                from tokenizers import Tokenizer

                try:
                    tokenizer = Tokenizer.from_file(str(file))
                except Exception as error:  # the library raises plain Exception
                    raise InputError(f"{file}: not a tokenizer ({error}); fetch the model again") from error
                tokenizer.no_truncation()
                return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
        if named:
            raise InputError(f"{named}: there is no tokenizer.json; fetch the model again")
        return None
