# From PDFs to pages to chunks.
# Needs: the shelf (config `shelf`) and its PDFs.
# Makes: <results>/digitize (pages), <results>/chunk (chunks that end at paragraph or section borders, of the books
#   that <results>/classify gives to the discipline).


rule typeset:
    input:
        source=lambda wildcards: by_content(
            find_file(f"examples/books/{wildcards.book}.typ")
        ),
        template=by_content(find_file("examples/books/template.typ")),
    output:
        pdf="<results>/books/{book}.pdf",
    log:
        "<logs>/typeset/{book}.log",
    conda:
        "../envs/digitize.yaml"
    params:
        code=code_hash("typeset"),
    script:
        "../workflow/scripts/typeset.py"


rule shelf:
    input:
        pdfs=lambda wildcards: [
            book.path for book in PLAN.book_shards.books_at_home(**wildcards)
        ],
    output:
        checked="<results>/shelf/{discipline}/{shard}.tsv",
    log:
        "<logs>/shelf/{discipline}/{shard}.log",
    conda:
        "../envs/digitize.yaml"
    params:
        books=lambda wildcards: [
            (b.book_id, b.path, b.sha256)
            for b in PLAN.book_shards.books_at_home(**wildcards)
        ],
        code=code_hash("shelf"),
    script:
        "../workflow/scripts/shelf.py"


# No model starts before all books were found readable, all benchmark items and the first rows of all public
# sources were read.
rule preflight:
    input:
        shelf=[f"<results>/shelf/{d}/{s}.tsv" for d, s in PLAN.book_shards.home_shards],
        benchmarks=expand(
            "<results>/benchmarks/{benchmark}.parquet", benchmark=PLAN.benchmarks
        ),
        sources=[f"<results>/import_source/{s}/checked.tsv" for s in CONFIG.sources],
    output:
        "<results>/preflight.txt",
    log:
        "<logs>/preflight.log",
    conda:
        "../envs/digitize.yaml"
    shell:
        "cat {input.shelf} {input.sources} > {output} 2> {log}"


rule digitize:
    input:
        pdfs=lambda wildcards: [
            book.path for book in PLAN.book_shards.books_at_home(**wildcards)
        ],
    output:
        kept="<results>/digitize/{discipline}/{shard}.parquet",
        dropped="<results>/digitize/{discipline}/{shard}.dropped.parquet",
    log:
        "<logs>/digitize/{discipline}/{shard}.log",
    benchmark:
        "<timings>/digitize/{discipline}/{shard}.tsv"
    conda:
        "../envs/digitize.yaml"
    params:
        books=lambda wildcards: [
            (b.book_id, b.path, b.sha256)
            for b in PLAN.book_shards.books_at_home(**wildcards)
        ],
        settings=CONFIG.digitize.plain(),
        results=lambda wildcards: RESULTS,
        code=code_hash("digitize"),
    script:
        "../workflow/scripts/digitize.py"


rule chunk:
    input:
        pages=homes("digitize"),
        classified=homes("classify"),
        model=manifest(CONFIG.chunk.model),
    output:
        kept="<results>/chunk/{discipline}/{shard}.parquet",
        dropped="<results>/chunk/{discipline}/{shard}.dropped.parquet",
    log:
        "<logs>/chunk/{discipline}/{shard}.log",
    benchmark:
        "<timings>/chunk/{discipline}/{shard}.tsv"
    conda:
        "../envs/digitize.yaml"
    params:
        books=lambda wildcards: [
            book.book_id for book in PLAN.book_shards.books_of(**wildcards)
        ],
        tokens=CONFIG.chunk.tokens,
        code=code_hash("chunk"),
    script:
        "../workflow/scripts/chunk.py"
