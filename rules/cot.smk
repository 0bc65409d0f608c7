# Answers with reasoning: judged, and written where there is none.
# Needs: <results>/refine. Makes: <results>/judge_cot, <results>/distill_cot.


use rule generate as judge_cot_generate with:
    input:
        unpack(asks("judge_cot")),
    pathvars:
        stage="judge_cot",
    params:
        **asking("judge_cot"),
        code=code_hash("generate", stage="judge_cot"),


use rule parse as judge_cot with:
    input:
        unpack(answers("judge_cot")),
    pathvars:
        stage="judge_cot",
    params:
        stage="judge_cot",
        code=code_hash("parse", stage="judge_cot"),


use rule generate as distill_cot_generate with:
    input:
        unpack(asks("distill_cot")),
    pathvars:
        stage="distill_cot",
    params:
        **asking("distill_cot"),
        code=code_hash("generate", stage="distill_cot"),


use rule parse as distill_cot with:
    input:
        unpack(answers("distill_cot")),
    pathvars:
        stage="distill_cot",
    params:
        stage="distill_cot",
        code=code_hash("parse", stage="distill_cot"),
