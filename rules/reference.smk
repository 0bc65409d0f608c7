# Short reference answers.
# Needs: <results>/decontaminate. Makes: <results>/reference.


use rule generate as reference_generate with:
    input:
        unpack(asks("reference")),
    pathvars:
        stage="reference",
    params:
        **asking("reference"),
        code=code_hash("generate", stage="reference"),


use rule parse as reference with:
    input:
        unpack(answers("reference")),
    pathvars:
        stage="reference",
    params:
        stage="reference",
        code=code_hash("parse", stage="reference"),
