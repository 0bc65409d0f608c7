import itertools
import json
import multiprocessing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from megascience.inference.engines.base import Completion, Sampling
from megascience.inference.journal.journal import Journal, conversation_id, gc, request_key
from megascience.storage.errors import InputError
from waiting import IN_VAIN

SESSION = {"model": "m", "revision": "r", "engine": "canned", "startup_seconds": 1.5}
COUNT = itertools.count()
MESSAGES = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"})


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _: None)


def key(i: int) -> str:
    return f"{i:016x}"


def completion(i: int, text: str | None = None) -> Completion:
    return Completion(key(i), f"answer {i}\nwith ünïcode" if text is None else text, "stop", 10 + i, i, 3)


def fill(path, n: int, texts=None) -> None:
    with Journal(path) as journal:
        journal.start_session(**SESSION)
        for i in range(n):
            journal.append(completion(i, texts[i] if texts else None))


@given(st.lists(st.text(max_size=80), max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_what_is_appended_is_read_back(tmp_path, texts):
    path = tmp_path / f"{next(COUNT)}.jsonl"
    fill(path, len(texts), texts)
    with Journal(path) as journal:
        assert journal.recovered == ""
        assert len(journal) == len(texts)
        for i, text in enumerate(texts):
            assert journal.get(key(i)) == completion(i, text)
        assert journal.get("f" * 16) is None
        assert "f" * 16 not in journal
        assert all(key(i) in journal for i in range(len(texts)))


def test_lines_are_json_without_a_text_that_a_parser_could_mistake_for_a_line(tmp_path):
    path = tmp_path / "j.jsonl"
    nasty = 'x\n{"crc":"00000000","key":"0000000000000009"}\u2028\x00 \\'
    fill(path, 1, [nasty])
    lines = path.read_bytes().split(b"\n")
    assert lines[-1] == b"" and len(lines) == 3
    assert json.loads(lines[1])["text"] == nasty
    with Journal(path) as journal:
        assert journal.get(key(0)).text == nasty


def test_half_a_character_is_replaced_instead_of_losing_the_completion(tmp_path):
    path = tmp_path / "j.jsonl"
    fill(path, 1, ["a\ud83db"])
    with Journal(path) as journal:
        assert journal.get(key(0)).text == "a?b"


@pytest.mark.long
def test_a_torn_journal_keeps_every_whole_line_whatever_the_byte(tmp_path):
    whole = tmp_path / "whole.jsonl"
    fill(whole, 3)
    data = whole.read_bytes()
    ends = [i + 1 for i, byte in enumerate(data) if byte == ord("\n")]
    for size in range(len(data) + 1):
        path = tmp_path / "torn.jsonl"
        path.write_bytes(data[:size])
        complete = [end for end in ends if end - 1 <= size]  # only its line end is missing: nothing is lost
        with Journal(path) as journal:
            assert len(journal) == max(0, len(complete) - 1), size  # the first line is the session's
            assert bool(journal.recovered) == (size not in (0, *ends)), size
            journal.append(completion(7))
        # What was cut off is gone, what is new stands on a line of its own.
        with Journal(path) as journal:
            assert journal.recovered == ""
            assert journal.get(key(7)) == completion(7)


@pytest.mark.long
@given(place=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
def test_one_spoiled_byte_costs_at_most_the_lines_it_touches(tmp_path, place, flip):
    path = tmp_path / f"{next(COUNT)}.jsonl"
    fill(path, 4)
    data = bytearray(path.read_bytes())
    place %= len(data)
    data[place] ^= flip
    path.write_bytes(data)
    line = bytes(data[:place]).count(b"\n")
    with Journal(path) as journal:
        assert journal.recovered
        for i in range(4):
            found = journal.get(key(i))
            assert found in (None, completion(i)), "a spoiled completion must never be given out"
            # Line i + 1 holds completion i; a spoiled line end may also touch the line after it.
            assert found is not None or i + 1 in (line, line + 1)
    with Journal(path) as journal:
        assert journal.recovered == ""


def test_a_lost_line_end_costs_no_completion(tmp_path):
    path = tmp_path / "j.jsonl"
    fill(path, 3)
    lines = path.read_bytes().splitlines()
    path.write_bytes(lines[0] + b"\n" + lines[1] + lines[2] + b"\n" + lines[3] + b"\n")
    with Journal(path) as journal:
        assert [journal.get(key(i)) for i in range(3)] == [completion(i) for i in range(3)]
        assert "2 lines saved" in journal.recovered


def test_spoiled_lines_are_set_aside_once_and_reported(tmp_path, caplog):
    path = tmp_path / "j.jsonl"
    fill(path, 3)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b"answer", b"answre")
    path.write_bytes(b"".join([*lines, b"\x00" * 40]))
    with Journal(path) as journal:
        assert len(journal) == 2
        assert "1 corrupt lines set aside" in journal.recovered
    assert str(path) in caplog.text
    assert (tmp_path / "j.jsonl.corrupt").read_bytes() == lines[2]
    with Journal(path) as journal:
        assert len(journal) == 2 and journal.recovered == ""
    assert (tmp_path / "j.jsonl.corrupt").read_bytes() == lines[2]


def test_a_later_completion_of_a_key_replaces_the_earlier(tmp_path):
    path = tmp_path / "j.jsonl"
    with Journal(path) as journal:
        journal.append(completion(1, "first"))
        journal.append(completion(1, "second"))
        assert journal.get(key(1)).text == "second"
    with Journal(path) as journal:
        assert journal.get(key(1)).text == "second"
        assert len(journal) == 1


def test_a_completion_that_could_not_be_read_back_is_refused(tmp_path):
    with Journal(tmp_path / "j.jsonl") as journal, pytest.raises(ValueError, match="cannot|can hold"):
        journal.append(Completion(key(1), "x", finish_reason='stop","x":"'))


def _hold(path, ready, end):
    with Journal(path):
        ready.set()
        end.wait(IN_VAIN)


def test_a_second_job_is_refused_and_a_killed_one_is_not_in_the_way(tmp_path):
    path = tmp_path / "j.jsonl"
    context = multiprocessing.get_context("fork")
    ready, end = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(path, ready, end))
    holder.start()
    assert ready.wait(IN_VAIN)
    with pytest.raises(InputError, match=rf"j\.jsonl: process {holder.pid} on .* is working on this shard"):
        Journal(path)
    holder.kill()
    holder.join()
    Journal(path).close()


def test_the_lock_is_given_back_at_close(tmp_path):
    path = tmp_path / "j.jsonl"
    first = Journal(path)
    with pytest.raises(InputError):
        Journal(path)
    first.close()
    first.close()
    Journal(path).close()


def test_a_process_that_the_job_forked_does_not_keep_the_lock(tmp_path):
    path = tmp_path / "j.jsonl"
    context = multiprocessing.get_context("fork")
    first = Journal(path)
    ready, end = context.Event(), context.Event()
    child = context.Process(target=lambda: (ready.set(), end.wait(IN_VAIN)))
    child.start()
    assert ready.wait(IN_VAIN)
    with pytest.raises(InputError):
        Journal(path)
    first._lock.close()  # as the system does for a killed job
    Journal(path).close()
    end.set()
    child.join()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        Journal(tmp_path / "file" / "j.jsonl")


def test_the_key_is_of_all_that_shapes_an_answer_and_of_nothing_else():
    sampling = Sampling(temperature=0.5, top_p=0.9, max_tokens=7, seed=3)
    base = ("m", "r", MESSAGES, "g")
    conversations = [
        conversation_id(*base),
        conversation_id("n", *base[1:]),
        conversation_id("m", "s", *base[2:]),
        conversation_id("m", "r", MESSAGES[1:], "g"),
        conversation_id("m", "r", (MESSAGES[0], {"role": "user", "content": "Why? "}), "g"),
        conversation_id("m", "r", (MESSAGES[1], MESSAGES[0]), "g"),
        conversation_id("m", "r", MESSAGES, None),
        conversation_id("m", "r", MESSAGES, ""),
    ]
    assert len(set(conversations)) == len(conversations)
    samplings = [
        sampling,
        Sampling(0.4, 0.9, 7, 3),
        Sampling(0.5, 0.8, 7, 3),
        Sampling(0.5, 0.9, 8, 3),
        Sampling(0.5, 0.9, 7, 4),
    ]
    keys = [request_key(conversations[0], s) for s in samplings]
    assert len(set(keys)) == len(keys)
    assert request_key(conversations[1], sampling) != keys[0]
    # A journal outlives releases of this project: its keys must not change unseen.
    assert conversation_id(*base) == "bd4d540747f9c948" and keys[0] == "cffb157b66a60799"


def test_sessions_count_what_they_cost(tmp_path):
    path = tmp_path / "j.jsonl"
    fill(path, 2)
    with Journal(path) as journal:
        journal.start_session(**{**SESSION, "engine": "vllm", "gpus": 4})
        journal.append(completion(5), attempt=1)
        journal.start_session(**{**SESSION, "model": "other"})
        before = journal.sessions
    with Journal(path) as journal:
        first, second, third = journal.sessions
        assert journal.sessions == before
    assert (first.spent.requests, first.spent.retried, first.engine, first.gpus) == (2, 0, "canned", 0)
    assert (first.spent.prompt_tokens, first.spent.cached_tokens, first.spent.completion_tokens) == (21, 1, 6)
    assert first.spent.startup_seconds == 1.5
    assert (second.spent.requests, second.spent.retried, second.engine, second.gpus) == (1, 1, "vllm", 4)
    assert (third.spent.requests, third.model) == (0, "other")


def test_seconds_of_a_session_run_from_its_start_to_its_last_completion(tmp_path, monkeypatch):
    clock = iter([100.0, 100.0, 102.0, 102.0, 105.0, 105.0, 105.0, 300.0, 300.0, 301.0, 301.0, 301.0])
    monkeypatch.setattr("megascience.inference.journal.journal.time.monotonic", lambda: next(clock, 301.0))
    path = tmp_path / "j.jsonl"
    with Journal(path) as journal:
        journal.start_session(**SESSION)
        journal.append(completion(1))
        journal.append(completion(2))
        assert journal.sessions[0].spent.wall_seconds == 5.0


def test_gc_drops_what_is_not_live_and_keeps_what_it_cost(tmp_path):
    path = tmp_path / "j.jsonl"
    fill(path, 4)
    with Journal(path) as journal:
        journal.start_session(**SESSION)
        journal.append(completion(1, "again"))
        before = journal.sessions
    size = path.stat().st_size
    assert gc(path, {key(1), key(3), key(9)}) == 3
    assert path.stat().st_size < size
    with Journal(path) as journal:
        assert journal.recovered == ""
        assert len(journal) == 2
        assert journal.get(key(1)).text == "again"
        assert journal.get(key(3)) == completion(3)
        assert journal.sessions == before
    assert gc(path, {key(1), key(3)}) == 0


def test_gc_refuses_a_missing_and_a_busy_journal(tmp_path):
    with pytest.raises(InputError, match="no journal"):
        gc(tmp_path / "j.jsonl", set())
    with Journal(tmp_path / "j.jsonl"), pytest.raises(InputError, match="is working on this shard"):
        gc(tmp_path / "j.jsonl", set())


def test_what_was_appended_is_with_the_system_at_once_and_on_disk_soon(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("os.fsync", synced.append)
    path = tmp_path / "j.jsonl"
    now = [0.0]
    monkeypatch.setattr("megascience.inference.journal.journal.time.monotonic", lambda: now[0])
    journal = Journal(path)
    journal.start_session(**SESSION)
    synced.clear()
    for i in range(100):
        now[0] += 0.1
        journal.append(completion(i))
        assert path.read_bytes().count(b"\n") == i + 2
    # 10 s of completions, one fsync at most every half second.
    assert 15 <= len(synced) <= 20
    journal.close()
    assert path.read_bytes().count(b"\n") == 101


def test_memory_holds_places_and_not_texts(tmp_path):
    path = tmp_path / "j.jsonl"
    with Journal(path) as journal:
        journal.start_session(**SESSION)
        for i in range(200):
            journal.append(completion(i, "x" * 20_000))
    import tracemalloc

    tracemalloc.start()
    with Journal(path) as journal:
        held, _ = tracemalloc.get_traced_memory()
        assert len(journal) == 200
    tracemalloc.stop()
    assert held < 400_000  # 4 MB of text lie on disk
