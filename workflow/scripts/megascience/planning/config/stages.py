"""Sections of the stages: digitizing, the model stages, deduplication and the search for copies."""

from typing import Annotated, Literal

from pydantic import Field

from megascience.planning.config.section import Distinct, Number, Section, key, optional


class Sampling(Section):
    """How completions are drawn. All of it is part of a request's key."""

    temperature: Number = key("0 takes the likeliest token; above 0 tokens are drawn.", 0.0, ge=0)
    top_p: Number = key("The share of the likeliest tokens, by probability, that are drawn from.", 1.0, gt=0, le=1)
    max_tokens: int = key("The longest completion in tokens; a longer one is cut and asked again.", ge=1)
    seed: int = key("Of the random draw.", 0)


class Asking(Section):
    """How a model is asked."""

    prompt: str = key("The prompt's file.")
    sampling: Sampling = key("How completions are drawn.")
    retries: int = key("How often a completion that cannot be read is asked again.", 2, ge=0)
    constrain: bool = key("Whether a grammar holds the completion to the form that the prompt declares.", False)


class ModelStage(Asking):
    """A stage that asks a model about each record."""

    model: str = key("The model that is asked, a key of `models`.")


class Override(Section):
    """Keys of a model stage that take the place of its section's in one dataset; at least one."""

    model: str | None = optional("The model that is asked, a key of `models`.")
    prompt: str | None = optional("The prompt's file.")
    sampling: Sampling | None = optional("How completions are drawn; takes the place of the whole of `sampling`.")
    retries: int | None = optional("How often a completion that cannot be read is asked again.", ge=0)
    constrain: bool | None = optional("Whether a grammar holds the completion to its form.")


class PdfText(Section, title="pdftext"):
    """The PDF's own text layer, read on a CPU."""

    time_limit: Number | None = optional("Seconds after which a book is given up.", unset=1800, gt=0)
    workers: int | None = optional("Books that are read at once.", unset=1, ge=1)


class OlmOcr(Section, title="olmocr"):
    """A vision model reads each page, through the `olmocr` command."""

    model: str | None = optional("The vision model: its name at the server, its name on the hub, or its folder.")
    server: str | None = optional(
        "Base URL of an OpenAI-compatible vision server, http(s)://…/v1.", unset="olmocr starts vLLM itself"
    )
    revision: str | None = optional("What the provenance carries beside the model's name.")
    command: list[str] | None = optional(
        "The program, with arguments that only concern where it runs.", unset=["olmocr"], min_length=1
    )
    workers: int | None = optional("Groups of books at work at once.", unset=8, ge=1)
    max_concurrent_requests: int | None = optional("Requests at the server at once.", unset=256, ge=1)
    pages_per_group: int | None = optional("Pages whose results are written together.", unset=200, ge=1)
    max_page_error_rate: Number | None = optional(
        "A book with a larger share of failed pages is dropped.", unset=0.004, ge=0, le=1
    )
    max_page_retries: int | None = optional("How often a page is tried.", unset=8, ge=0)
    server_timeout: int | None = optional("Seconds to wait for the server to answer.", unset=600, ge=1)
    guided_decoding: bool | None = optional("Whether the model is held to olmocr's front matter.", unset=False)


class Tesseract(Section):
    """Pictures of the pages, read on a CPU by Debian's tesseract-ocr."""

    languages: str | None = optional("Languages of the pages by tesseract's names, such as eng+fra.", unset="eng")
    dpi: int | None = optional("Dots an inch of the pictures.", unset=300, ge=72, le=1200)
    page_time_limit: Number | None = optional("Seconds after which a page is given up.", unset=120, gt=0)
    time_limit: Number | None = optional("Seconds after which a book is given up.", unset=86400, gt=0)
    workers: int | None = optional("Books that are read at once.", unset=1, ge=1)


class Quality(Section):
    """Limits of the quality gate, as shares; a page above one of them (`loop`: below) is dropped as page_unreadable."""

    unknown: Number | None = optional("Characters without a meaning.", unset=0.1, ge=0, le=1)
    apart: Number | None = optional("Letters in runs of single letters.", unset=0.3, ge=0, le=1)
    odd_pairs: Number | None = optional("Pairs of letters that English words hardly have.", unset=0.23, ge=0, le=1)
    strange: Number | None = optional("Letters outside of ASCII among Latin ones.", unset=0.35, ge=0, le=1)
    mojibake: Number | None = optional(
        "Characters of UTF-8 that was read in another encoding.", unset=0.003, ge=0, le=1
    )
    repeated: Number | None = optional("Lines that stood on the page before.", unset=0.6, ge=0, le=1)
    loop: Number | None = optional("Size of the compressed text, for one that repeats itself.", unset=0.15, ge=0, le=1)
    length: Number | None = optional("Times that text and glyphs of a page may differ.", unset=3, ge=1)


class Digitize(Section):
    """How the pages of books become text."""

    engine: Literal["pdftext", "tesseract", "olmocr"] = key(
        "`pdftext` reads the PDF's text layer, `tesseract` pictures of the pages, `olmocr` asks a vision model."
    )
    fallback: Literal["pdftext", "tesseract", "olmocr"] | None = optional(
        "The engine that reads the pages again that are empty, failed, or below the gate."
    )
    quality: Quality | None = optional("Limits of the quality gate.")
    agreement: Number | None = optional(
        "The least share of words that a page's reading has in common with its text layer, if that is readable.",
        unset=0.5,
        ge=0,
        le=1,
    )
    languages: list[str] | None = optional(
        "Languages of the pages and books that are kept; none for all.", unset=["English"]
    )
    olmocr: OlmOcr = key("Settings of olmocr that shape its pages.", OlmOcr)
    pdftext: PdfText = key("Settings of pdftext.", PdfText)
    tesseract: Tesseract | None = optional("Settings of tesseract.")


class Classify(ModelStage):
    """Subject and level of the books, where the shelf leaves them open."""

    contents_chars: int = key("Characters of the table of contents, or of the headings, that are shown.", 3000, ge=0)
    sample_pages: int = key("Pages that are shown, spread evenly over the book.", 3, ge=1)
    page_chars: int = key("Characters of each page that is shown.", 1500, ge=100)
    shards: int = key("Shards of the books whose disciplines are open.", 1, ge=1, le=999)


class Chunk(Section):
    """How books are cut into chunks."""

    model: str = key("The model whose tokenizer counts, a key of `models`.")
    tokens: int = key("The longest chunk in tokens.", ge=64)


class Extract(ModelStage):
    """Questions and answers out of chunks."""

    prompt: str = key("The prompt's file; may hold {discipline} and {standard}.")
    standards: Distinct[Literal["high", "low"]] = key("The standards of extraction, each asked for.")


class Dedup(Section):
    """Near-duplicate questions."""

    preset: Literal["threshold", "paper_released"] = key(
        "`threshold` sets bands and rows by the threshold; `paper_released` takes those of the paper's code.",
        "threshold",
    )
    threshold: Number = key("The least Jaccard similarity of duplicates.", 0.6, gt=0, le=1)
    engine: Literal["minhash", "text-dedup"] = key("Ours, or the program that the paper used.", "minhash")
    semantic_threshold: Annotated[Number, Field(ge=0, le=1)] | None = key(
        "The least cosine similarity of the embeddings of duplicates; null turns this second pass off.", None
    )


class Embed(Section):
    """The embeddings that copies of benchmark items are looked for by."""

    model: str = key("The embedding model, a key of `models`.")
    batch_size: int = key("Texts that are embedded at once.", 64, ge=1)


class Search(Section):
    """The search for benchmark items that a question may be a copy of."""

    k: int = key("Nearest benchmark items of each question.", 5, ge=1)
    ngram: int = key("The length, in words, of the runs that a question may share with an item; 0: off.", 13, ge=0)
    similarity_floor: Number = key("Pairs under this cosine similarity are counted, not judged.", 0.0, ge=-1, le=1)


class DifficultySample(ModelStage):
    """A middling model answers each question several times, for the selection by difficulty."""

    sampling: Sampling = key("How completions are drawn, at a temperature above 0.")
    retries: int = key("How often an answer is asked again; a retry would favour answers that come to an end.", 0, ge=0)
    samples: int = key("Answers to each question.", 16, ge=1)


class Annotate(ModelStage):
    """New solutions for the parts of mixtures that ask for them."""

    max_response_tokens: int = key("Longer responses are dropped.", 4096, ge=1)


class Evaluate(Asking):
    """The evaluation of base models and experiments on benchmarks."""

    registry: str = key("The file that describes the benchmarks, such as config/benchmarks.yaml.")
    root: str = key("The folder that local paths of the registry start from.", ".")
    benchmarks: Literal["all"] | Distinct[str] = key(
        "`all`, or the names of the benchmarks; these are also what the data are cleaned of.", "all"
    )
    prompt: str = key("The zero-shot prompt's file; a benchmark's own prompt in the registry goes before it.")
    few_shot_prompt: str = key("The prompt's file for models with `base: true`.", "prompts/evaluate_few_shot.j2")
    samples: int = key("Answers to each item; more than one needs a temperature above 0.", 1, ge=1)
    retries: int = key("How often a completion that cannot be read is asked again.", 0, ge=0)
    preset: Literal["standard", "paper"] = key("The preset of the scorer: ours, or as in the paper.", "standard")
