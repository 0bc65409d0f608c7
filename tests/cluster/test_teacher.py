"""One model stage on the cluster with the demo's real teacher: llama.cpp in a job, on a node that has the GPU."""

import pyarrow.parquet as pq
import pytest
from clusterrun import Run

CONFIG = ("config/demo.yaml", "tests/data/cluster/config.yaml", "teacher.yaml")
REFERENCE = "results/cluster/extract/economics/000.parquet"


@pytest.mark.model
def test_the_teacher_answers_in_a_job(cluster, template, models, tmp_path, monkeypatch):
    models / "teacher"
    run = Run(template.copy(tmp_path / "run").root, cluster)
    # Half of the chunks' size in the demo, and short answers: two dozen requests take a minute or two.
    (run.root / "teacher.yaml").write_text(
        "chunk: {model: teacher, tokens: 400}\nextract: {sampling: {max_tokens: 120}, retries: 0}\nexperiments: []\n"
    )
    monkeypatch.setattr("clusterrun.CONFIG", CONFIG)
    try:
        run(REFERENCE)
        (job,) = run.jobs("extract_generate")
        assert job["node"].startswith("gpu")
        completions = pq.read_table(run.root / REFERENCE.replace(".parquet", ".completions.parquet")).to_pylist()
        assert completions and all(row["text"] and row["completion_tokens"] > 0 for row in completions)
        assert {row["model"] for row in completions} == {"Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF"}
    finally:
        run.end()
