"""A full disk is told with the file's name and what to do, and leaves what stood there."""

import errno
import os

import pytest
from megascience.storage.errors import InputError
from megascience.storage.files import write_text


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told(tmp_path, monkeypatch, number):
    path = tmp_path / "shard.txt"
    write_text(path, "before")

    def full(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"shard.txt: cannot be written \(.*\); make room and run again"):
        write_text(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
