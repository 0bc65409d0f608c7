"""A model made of answers that we wrote: the whole of the curation runs on it within seconds.

`write_answers` makes the file that the canned engine reads. The prompts of the canned run
(tests/data/canned/prompts) begin with STAGE and the stage's name, so that a rule can tell who asks.
"""

import re
from pathlib import Path

import yaml

#: A phrase of a book's chunk → the pair that the model finds there.
PAIRS = {
    "A stone is thrown straight up": (
        "A stone is thrown straight up from the ground with an initial speed of 19.6 m/s. How high does it rise?",
        "At the top the velocity is zero, so h = 19.6²/(2 · 9.8) = 19.6 m.",
    ),
    "A ball is thrown straight up": (
        "A ball is thrown straight up from the ground with an initial speed of 19.6 m/s. How high does it rise?",
        "Set the derivative of the height to zero: 19.6 m.",
    ),
    "Figure 1.3 shows": ("What distance does the lift of Figure 1.3 travel between 2 s and 8 s?", "21 m."),
    "A rope pulls a crate": (
        "A rope pulls a crate 5.0 m along a level floor with 150 N at 30° above it. How much work does it do?",
        "W = 150 · 5.0 · cos 30° = 650 J, since only the part along the motion counts.",
    ),
    "30% of the bases are adenine": (
        "In a double-stranded DNA 30% of the bases are adenine. What percentage is guanine?",
        "20%.",
    ),
    "A resting patient consumes": (
        "A resting patient consumes 250 mL of oxygen a minute; arterial blood holds 50 mL/L more than venous blood. "
        "What is the cardiac output?",
        "By Fick's principle 250/50 = 5.0 L/min.",
    ),
    "a solution of acetic acid": (
        "What is the pH of acetic acid at 0.10 mol/L, with pKa = 4.74?",
        "The concentration of protons is √(0.10 · 1.8e-5) = 1.3e-3 mol/L, hence pH 2.9.",
    ),
    "A sorted table has 500 entries": (
        "How many entries of a sorted table of 500 does binary search look at in the worst case?",
        "Nine, since 2⁸ = 256 < 500 ≤ 511 = 2⁹ − 1.",
    ),
    "A monopolist faces": (
        "A monopolist faces the demand P = 50 − Q and the cost 100 + 10Q. Which output is best?",
        "Marginal revenue 50 − 2Q equals marginal cost 10 at Q = 20.",
    ),
    "the area between the parabola": (
        "What is the area between the parabola y = x² and the line y = 2x?",
        "They meet at 0 and 2; the integral of 2x − x² over that range is 4/3.",
    ),
}

#: The question whose answer has no reasoning, the one that needs a figure, and a verdict that nobody can read.
BARE = "30% of the bases"
FIGURE = "Figure 1.3"
MUMBLED = "best?"
#: In the public sources: a question that is too easy, one whose scores nobody can read, one that is answered at
#: length, one whose solution is too long, and one that both sources ask.
EASY = "diagonals"
UNSCORED = "The Sun is"
VERBOSE = "hash table"
ENDLESS = "Nash equi"
COMMON = "An apple of 0.20 kg"
#: A sampled answer that gets few points, at the second attempt; and the solution of whatever is annotated.
IGNORANT = "I do not know."
SOLUTION = "Step by step we come to the result."
#: The question that the judge finds in a benchmark, whatever the item.
LEAKED = "binary search"


def _rule(stage: str, text: str | list[str], *pieces: str) -> dict[str, object]:
    pattern = "(?s)STAGE " + stage + "\n" + "".join(f".*{re.escape(piece)}" for piece in pieces)
    return {"pattern": pattern, "text": text}


def _pair(question: str, answer: str) -> str:
    return f"<question>{question}</question>\n<answer>{answer}</answer>"


def write_answers(path: Path) -> None:
    """Write the canned answers to `path` as YAML."""
    rules = []
    for phrase, (question, answer) in PAIRS.items():
        standard = "low" if phrase in ("Figure 1.3 shows", "30% of the bases are adenine") else "high"
        rules.append(_rule(f"extract {standard}", _pair(question, answer), phrase))
        rules.append(_rule("refine", _pair(question, answer), question))
    rules += [
        _rule("classify", "<subject>OTHER</subject><level>UNDERGRADUATE</level>"),  # the shelf knows the subject
        _rule("extract [a-z]+", "NOTHING"),
        _rule("judge_cot", "<decision>NO</decision>", BARE),
        _rule("judge_cot", ["I am not sure.", "**<decision>YES</decision>**"], MUMBLED),
        _rule("judge_cot", "<decision>YES</decision>"),
        _rule("distill_cot", "<answer>A pairs with T, so 60% are A and T, and half of the rest, 20%, is G.</answer>"),
        _rule("filter", "<decision>REJECT</decision>", FIGURE),
        _rule("filter", "perhaps", "acetic acid"),
        _rule("filter", "<decision>KEEP</decision>"),
        _rule("decontaminate", "<decision>YES</decision>", LEAKED),
        _rule("decontaminate", "<decision>NO</decision>"),
        _rule("reference", "<reference>as in the answer</reference>"),
        _rule("difficulty_sample", ["Perhaps so.", "It must be so.", IGNORANT]),  # one of each in three samples
        _rule("difficulty_score", "<score>10</score>", EASY),
        _rule("difficulty_score", "<score>10</score>", "A rope pulls a crate"),
        _rule("difficulty_score", "full marks", UNSCORED),
        _rule("difficulty_score", ["full marks", "<score>2</score>"], IGNORANT),
        _rule("difficulty_score", "<score>6</score>"),
        _rule("response_length", "It takes many words to answer this one.", VERBOSE),
        _rule("response_length", "It is so."),
        _rule("evaluate", "The answer is B."),
        _rule("annotate", "<answer>" + 30 * "and so on " + "</answer>", ENDLESS),
        _rule("annotate", f"<answer>{SOLUTION}</answer>"),
    ]
    path.write_text(yaml.safe_dump(rules, allow_unicode=True, width=1000), encoding="utf-8")
