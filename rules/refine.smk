# A self-contained question with a checked and explained answer.
# Needs: <results>/dedup and the chunks that the pairs come from. Makes: <results>/refine.


use rule generate as refine_generate with:
    input:
        unpack(asks("refine")),
    pathvars:
        stage="refine",
    params:
        **asking("refine"),
        code=code_hash("generate", stage="refine"),


use rule parse as refine with:
    input:
        unpack(answers("refine")),
    pathvars:
        stage="refine",
    params:
        stage="refine",
        code=code_hash("parse", stage="refine"),
