# From chunks to question-answer pairs, by a high and a low standard.
# Needs: <results>/chunk. Makes: <results>/extract.


use rule generate as extract_generate with:
    input:
        unpack(asks("extract")),
    pathvars:
        stage="extract",
    params:
        **asking("extract"),
        code=code_hash("generate", stage="extract"),


use rule parse as extract with:
    input:
        unpack(answers("extract")),
    pathvars:
        stage="extract",
    params:
        stage="extract",
        code=code_hash("parse", stage="extract"),
