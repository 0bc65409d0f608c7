"""Copies of the checkout that the workflow's tests run Snakemake in."""

from pathlib import Path

import pytest
from checkout import Checkout

#: Files and tests of this folder that are not whole runs of Snakemake: `make quick` runs them.
QUICK = ("test_profiles.py", "test_dry_run_plans_every_step")


@pytest.fixture(scope="session")
def pristine(tmp_path_factory):
    """A checkout that tests only look at."""
    return Checkout(tmp_path_factory.mktemp("pristine"))


@pytest.fixture
def checkout(tmp_path):
    """A checkout that a test may change."""
    return Checkout(tmp_path)


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent and not any(name in item.nodeid for name in QUICK):
            item.add_marker("long")
