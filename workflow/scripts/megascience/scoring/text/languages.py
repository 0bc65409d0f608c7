"""Answer phrases in languages other than English: what stands before a stated answer."""

import re

#: Of each language: the words for "the (correct, final) answer" with what leads to the answer itself.
_PHRASES = {
    "French": r"réponses?(?:\s+(?:correcte|finale|exacte|juste))?\s*(?:est|serait|:)(?:\s+donc)?"
    r"(?:\s*(?:la|le)\s|\s*l['’])?",
    "German": r"(?:antwort|lösung)\s*(?:ist|lautet|wäre|:)(?:\s+(?:also|daher|somit))?(?:\s+(?:die|das|der)\s)?",
    "Spanish": r"respuesta(?:\s+(?:correcta|final))?\s*(?:es|sería|:)(?:\s+(?:la|el)\s)?",
    "Portuguese": r"resposta(?:\s+(?:correta|certa|final))?\s*(?:é|seria|:)(?:\s+(?:a|o)\s(?=\S))?",
    "Italian": r"risposta(?:\s+(?:corretta|esatta|giusta|finale))?\s*(?:è|sarebbe|:)(?:\s+(?:la|il)\s|\s*l['’])?",
    "Dutch": r"antwoord\s*(?:is|luidt|:)(?:\s+(?:dus|de|het)\s)?",
    "Polish": r"odpowied[źz](?:ią)?\s*(?:to|jest|:)",
    "Turkish": r"cevap\s*:",
    "Indonesian": r"jawaban(?:nya)?(?:\s+(?:yang\s+)?(?:benar|tepat|akhir))?\s*(?:adalah|ialah|:)",
    "Vietnamese": r"(?:đáp\s+án|câu\s+trả\s+lời)(?:\s+(?:đúng|cuối\s+cùng))?\s*(?:là|:)",
    "Swahili": r"jibu(?:\s+(?:sahihi|la\s+mwisho))?\s*(?:ni|:)",
    "Russian": r"ответ(?:ом)?\s*(?:[-–—:]|является)",
    "Chinese": r"答案(?:选项)?\s*(?:应该?)?\s*(?:是|为|选|[::】])+"
    r"|(?:故选|应选|应该选|选择|选)(?!项)(?:择|[::])*\s*(?=[(（]?[A-Z])"
    r"|正确(?:的)?(?:选项|答案)\s*(?:应该?)?\s*(?:是|为|[::])+",
    "Japanese": r"(?:正解|答え|回答|解答)\s*(?:は|[::])",
    "Korean": r"(?:정답|답|답변)\s*(?:은|[::])",
    "Arabic": r"(?:ال)?(?:إجابة|اجابة|جواب)(?:\s+ال\S+)?\s*(?:هي|هو|[::])",
    "Hindi": r"उत्तर\s*(?:है|[::])",
    "Bengali": r"উত্তর\s*(?:হল|হলো|[::])",
    "Thai": r"คำตอบ(?:ที่ถูกต้อง)?\s*(?:คือ|[::])",
}

#: Words for "option" that may stand between the phrase and the letter.
_OPTION = (
    r"(?:options?|option|opción|opção|opzione|optie|möglichkeit|buchstabe|lettre|letra|lettera|alternativa|antwort|"
    r"réponse|choix|вариант|буква|选项|選択肢|الخيار|विकल्प)\s*[:：]?"
)

#: Pieces of lower-case text near which a phrase may stand.
CUES = tuple(
    "répons antwo lösung respuesta resposta risposta odpowied cevap jawaban đáp lời jibu ответ 答案 选 正确 正解 "
    "答え 回答 解答 답 جابة جواب उत्तर উত্তর คำตอบ".split()
)
PHRASE = re.compile(
    rf"(?<![^\W_])(?:{'|'.join(_PHRASES.values())})\s*(?:\*\*|__|\*)?[:：\s]*(?:{_OPTION})?(?P<gap>[\s*_:：]*)",
    re.IGNORECASE,
)
#: A verdict on one option: 选项C正确, 因此B是正确的.
VERDICT = re.compile(
    r"(?:选项|答案|因此|所以)?\s*(?P<rest>(?<![A-Za-z])[A-Z])\s*(?:选项|项)?\s*(?:是)?(?<!不)(?:正确|对)(?:的|答案)?"
)

#: A verdict on a statement: 该说法是错误的.
STATEMENT = re.compile(
    r"(?:说法|陈述|论述|表述|判断|断言|命题|语句|句话|观点|结论)\s*(?:是|为)?\s*(?P<word>不正确|不对|错误|正确|错|对)(?:的|。|$)"
)
TRUE = tuple("正确 对 是 真 vrai richtig wahr verdadero verdadeiro vero верно да oui ja sí".split())
FALSE = tuple("错误 不正确 错 否 不对 不是 假 faux falsch falso неверно нет non nein".split())

#: What denies the answer that would follow a phrase.
NEGATED = re.compile(r"\s*(?:pas|nicht|nunca|non|não|no\s+es|不|не|ではない)\b", re.IGNORECASE)
