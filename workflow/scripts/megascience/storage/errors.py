"""Errors that speak to the user."""


class InputError(ValueError):
    """Bad input from outside: the message names the file, the row and the fix."""


class ConservationError(RuntimeError):
    """Rows were lost, doubled or made up: the message names stage, file and ids."""


class EngineError(RuntimeError):
    """The engine cannot go on: the message says why and what to do."""
