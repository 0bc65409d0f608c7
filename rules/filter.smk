# Without contradictions, outside references and missing answers.
# Needs: the rows of distill_cot. Makes: <results>/filter.


use rule generate as filter_generate with:
    input:
        unpack(asks("filter")),
    pathvars:
        stage="filter",
    params:
        **asking("filter"),
        code=code_hash("generate", stage="filter"),


use rule parse as filter with:
    input:
        unpack(answers("filter")),
    pathvars:
        stage="filter",
    params:
        stage="filter",
        code=code_hash("parse", stage="filter"),
