# The subject and the academic level of each book; what the shelf says wins and is not asked.
# Needs: <results>/digitize and the shelf, in the shards where the books are digitized.
# Makes: <results>/classify (books with their disciplines and level; dropped: below university, other subjects).


rule classify_books:
    input:
        pages="<results>/digitize/{subset}/{shard}.parquet",
    output:
        books="<results>/classify/{subset}/{shard}.books.parquet",
    log:
        "<logs>/classify_books/{subset}/{shard}.log",
    conda:
        "../envs/curate.yaml"
    params:
        books=lambda wildcards: PLAN.book_shards.rows_at_home(*wildcards),
        offered=PLAN.disciplines,
        shown={
            key: getattr(CONFIG.classify, key)
            for key in ("contents_chars", "sample_pages", "page_chars")
        },
        code=code_hash("classify_books"),
    script:
        "../workflow/scripts/classify_books.py"


use rule generate as classify_generate with:
    input:
        unpack(asks("classify")),
    pathvars:
        stage="classify",
    params:
        **asking("classify"),
        code=code_hash("generate", stage="classify"),


use rule parse as classify with:
    input:
        unpack(answers("classify")),
    pathvars:
        stage="classify",
    params:
        stage="classify",
        code=code_hash("parse", stage="classify"),
