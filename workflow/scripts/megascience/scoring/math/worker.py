"""The process behind `sandbox`: symbolic equality of two LaTeX answers by latex2sympy2-extended and sympy.

It runs alone (`python -P worker.py`) and is killed from outside when it takes too long; here memory and processor
time are limited as well. Input is LaTeX for a grammar, never Python: nothing is evaluated as code.
"""

import json
import os
import resource
import sys

_MEMORY = 2 << 30
_PROCESSOR_SECONDS = 600


def _equal(left: str, right: str) -> bool | None:
    """Return whether two LaTeX expressions are equal, None where one of them cannot be read."""
    from latex2sympy2_extended import latex2sympy
    from sympy import MatrixBase, simplify

    parsed = []
    for text in (left, right):
        try:
            parsed.append(latex2sympy(text, is_real=None, convert_degrees=False))
        except Exception:
            return None
    a, b = (item.doit() if hasattr(item, "doit") else item for item in parsed)
    if a == b:
        return True
    try:
        difference = simplify(a - b)
    except TypeError:
        return False
    if isinstance(difference, MatrixBase):
        return bool(difference.is_zero_matrix)
    if difference.is_zero is not None:
        return bool(difference.is_zero)
    return bool(difference.equals(0))


def main() -> None:
    """Answer requests, one JSON object a line: {"left", "right"} gives {"equal": true, false or null}."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR_SECONDS, _PROCESSOR_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints stays out of the answers
    import latex2sympy2_extended  # noqa: F401  (warm before the first request's clock starts)
    import sympy  # noqa: F401

    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            result = _equal(request["left"], request["right"])
        except (Exception, RecursionError, MemoryError):
            result = None
        print(json.dumps({"equal": result}), file=answers, flush=True)


if __name__ == "__main__":
    main()
