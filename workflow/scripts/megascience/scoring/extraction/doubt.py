"""Doubt: what takes a statement of an answer back, makes it conditional, or gives up."""

import re

#: Words right before a phrase that take the commitment out of it: "if the answer is", "whether option".
_NEXT = re.compile(
    r"\b(?:if|suppos\w+|assum\w+|whether|unless|what|which|how|not|than|claims?|says|said|guess|imply|implies|mean\s+that|"
    r"student's|your|their|his|her|previous|first|earlier|initial)(?:\s+that)?(?:\s+the)?(?:\s+correct)?\s*$",
    re.IGNORECASE,
)
_THINK = r"(?:think|say|argue|guess|claim|answer|believe|conclude|assume|choose|pick|expect|select|be\s+tempted)"
#: Words that hedge the rest of their clause.
_FAR = re.compile(
    rf"\b(?:(?:might|may|could|(?<!i )(?<!we )would)\s+(?:also\s+|then\s+)?{_THINK}|"
    rf"(?:most|many|some|other|several|few)\s+(?:of\s+)?(?:people|students|readers|books|texts|textbooks|sources|models|beginners|candidates|of\s+them)?\s*"
    rf"(?:would\s+|might\s+|may\s+|often\s+|will\s+)*{_THINK}|perhaps|"
    r"maybe|possibly|at\s+first(?:\s+(?:glance|sight))?|initially|tempting|not\s+sure|unsure|unclear|uncertain|wonder\w*|"
    r"check(?:ing)?\s+(?:if|whether)|would\s+(?:mean|imply)|suppose|not\s+(?:true|correct|the\s+case|possible|convinced|certain)\s+that|"
    r"(?:do\s+not|don't|doesn't|did\s+not|didn't|cannot|can't|never|hardly)\s+(?:think|thought|believe|say|said|conclude)|"
    r"(?:i|we)\s+(?:strongly\s+|really\s+|seriously\s+|rather\s+)?(?:doubt|den(?:y|ied)|disput\w+|disagree|question|reject)|doubtful|"
    r"it\s+is\s+(?:unlikely|false|untrue)\s+that|no\s+reason\s+to|mistakenly|incorrectly|wrongly|common\s+mistake)\b"
    r"(?:(?!\bbut\b|\bhowever\b|\btherefore\b|\bthus\b|\bso\b|\bhence\b|\bstill\b|\bactually\b)[^.!?;\n]){0,120}$",
    re.IGNORECASE,
)


def hedged(text: str, start: int) -> bool:
    """Return whether the words before a place take the commitment out of what follows."""
    before = text[max(0, start - 120) : start]
    return _NEXT.search(before) is not None or _FAR.search(before) is not None


_NO = (
    r"(?:not\s+(?:right|correct|true|it|valid|the\s+(?:right\s+|correct\s+)?answer|possible)|wrong|incorrect|false|mistaken|a\s+mistake|"
    r"an\s+error|impossible|invalid|nonsense)"
)
#: "that cannot be right", "this does not look correct".
_CANNOT = (
    r"\s+(?:can(?:\s?not|['’]?t)|could\s?(?:not|n['’]t)|(?:does|do)(?:\s+not|n['’]t)|is(?:n['’]t|\s+not))\s+(?:possibly\s+|quite\s+)?"
    r"(?:(?:be|look|seem|sound|appear)\s+)?(?:right|correct|true|possible)\b"
)
_SUBJECT = (
    r"(?:(?:that|this|it|the\s+above)(?:\s+(?:answer|result|value|choice|option|claim|conclusion))?|"
    r"(?:my|the)\s+(?:answer|result|value|choice|option|claim|conclusion))"
)
_IS = (
    r"(?:['’]s|\s+(?:is|was|can['’]?t\s+be|cannot\s+be|seems(?:\s+to\s+be)?|must\s+be|turn(?:s|ed)\s+out\s+to\s+be|"
    r"would\s+be|looks))"
)
_RETRACTED = re.compile(
    r"\b(?:(?:scratch|strike|ignore|disregard|forget)\s+(?:that|this|it)|never\s?mind|take\s+(?:that|it|this)\s+back|i\s+was\s+wrong|"
    r"i\s+(?:made|have\s+made)\s+an?\s+(?:\w+\s+)?(?:mistake|error))\b"
    r"|\b(?:wait|hold\s+on|hmm+|actually|no|oops|sorry|but|however|yet|although|though|unfortunately|then\s+again|reflection|second\s+thought|"
    rf"which)\b[,.!\s—–-]{{0,6}}(?:(?:but|no|wait|actually|on\s+reflection)\b[,.!\s—–-]{{0,6}}){{0,2}}(?:{_SUBJECT}{_IS}|is|was|are)\s*"
    rf"(?:clearly\s+|probably\s+|actually\s+|obviously\s+|in\s+fact\s+|also\s+)?{_NO}\b"
    rf"|(?:^|[.!?\n—–-])\s*{_SUBJECT}(?:{_IS})\s+(?:clearly\s+|probably\s+|actually\s+|obviously\s+|in\s+fact\s+)?{_NO}\s*(?=[.!,;\n]|$)"
    rf"|(?:^|[.!?\n,—–-])\s*(?:(?:on\s+(?:second\s+thought|reflection)|wait|hmm+|but|however|no|actually),?\s+){{0,2}}{_SUBJECT}{_CANNOT}"
    r"|\((?:this|that|it|which)?\s*(?:is\s+)?(?:wrong|incorrect|not\s+correct|false)\)",
    re.IGNORECASE,
)
#: How far behind a statement it may be taken back.
_REACH = 200


def taken_back(text: str, start: int, end: int, stop: int) -> bool:
    """Return whether a statement itself, or what follows it, says that it is wrong."""
    return _RETRACTED.search(text, start, min(stop, end + _REACH)) is not None


_IF = re.compile(r"\b(?:if|when|whenever|unless|provided|assuming|as\s+long\s+as|in\s+case|for)\b", re.IGNORECASE)
_OTHERWISE = re.compile(
    r"\b(?:otherwise|or\s+else|else|depend(?:s|ing)\s+(?:on|upon)|in\s+the\s+other\s+case)\b", re.IGNORECASE
)
_CONDITION = (
    r"[\s)*_\"'}$]{0,6},?\s*(?:but\s+)?(?:only\s+)?(?:if(?!\s+(?:and\s+only|i\b|you\b|we\b|not\s+mistaken))|unless|provided|assuming|"
    r"as\s+long\s+as|in\s+case)\b"
)
#: A condition right behind a stated option or truth value.
_ON_CONDITION = re.compile(_CONDITION, re.IGNORECASE)
_OPTION_ON_CONDITION = re.compile(rf"(?:\b[A-Z]\b|\b(?i:true|false|yes|no|maybe)\b)(?i:{_CONDITION})")
_SENTENCE = re.compile(r"[.!?](?=\s|$)|\n")


def conditional(text: str, start: int, end: int, stop: int, closed: bool) -> bool:
    """Return whether a statement holds in one of several cases only ("A if …, otherwise C").

    Args:
        text: the completion.
        start, end: the place of the statement.
        stop: the end of what may be looked at.
        closed: the answer is an option or one of few words, so that a mere "if" behind it is a condition.
    """
    after = text[end : min(stop, end + _REACH)]
    cut = _SENTENCE.search(after)
    if cut:
        after = after[: cut.start()]
    before = _SENTENCE.split(text[max(0, start - _REACH) : start])[-1]
    stated = text[start:end]
    if _OTHERWISE.search(before + " " + stated + " " + after) and _IF.search(before + " " + stated + " " + after):
        return True
    return closed and (_ON_CONDITION.match(after) or _OPTION_ON_CONDITION.search(stated)) is not None


#: A sentence that gives no answer, whatever numbers it mentions.
GIVES_UP = re.compile(
    r"\b(?:unable\s+to|not\s+able\s+to|(?:can|could)\s?not|can't|couldn't|(?:do|does|did)\s+not|don't|doesn't|didn't|no\s+idea|not\s+sure|unsure|"
    r"failed\s+to|fails\s+to|impossible\s+to|not\s+possible|not\s+enough|insufficient|without\s+(?:an?\s+)?(?:answer|result|success)|"
    r"gave\s+up|give\s+up|never)\b",
    re.IGNORECASE,
)
