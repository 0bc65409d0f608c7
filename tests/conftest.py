"""What all tests share."""

from pathlib import Path

import pytest
import yaml
from hypothesis import settings

ROOT = Path(__file__).parents[1]

# The same examples each time, so that a run says something about the change under test. To look for new ones:
# pytest --hypothesis-profile=explore. A busy machine is not a fault of the code, so nothing has a deadline.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile("steady")


class Models:
    """The demo's real models, fetched once into results/models, where `make demo` finds them too."""

    def __init__(self) -> None:
        self.entries = yaml.safe_load((ROOT / "config/demo.yaml").read_text())["models"]

    def __truediv__(self, name: str) -> Path:
        """Return the folder of a model by its name in config/demo.yaml; it holds model.json."""
        from megascience.models.fetch import fetch_model

        folder = ROOT / "results/models" / name
        fetch_model(name, self.entries[name], folder)
        return folder


@pytest.fixture(scope="session")
def models():
    return Models()


def pytest_terminal_summary(terminalreporter):
    """Say loudly that nothing was tested on a cluster, which a line of dots would hide."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if "NO CLUSTER" in str(report.longrepr)]
    if skipped:
        terminalreporter.section("NOT TESTED: the cluster", sep="!", red=True, bold=True)
        terminalreporter.line(f"{len(skipped)} tests: {skipped[0].longrepr[2]}")
