"""requirements/set-up.sh: what is current is kept, what is not is made again, what is missing is named."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.long


@pytest.fixture
def checkout(tmp_path):
    """A checkout with the script, environments "tiny" and "extra", and an index with two versions of a package."""
    (tmp_path / "requirements").mkdir()
    shutil.copy(ROOT / "requirements/set-up.sh", tmp_path / "requirements")
    index = tmp_path / "index"
    index.mkdir()
    for name, version in (("thing", "1.0"), ("thing", "2.0"), ("other", "1.0")):
        with zipfile.ZipFile(index / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}.py", f"version = {version!r}\n")
            info = f"{name}-{version}.dist-info"
            # a dependency that nothing provides: pins are installed as they stand
            wheel.writestr(
                f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: ghost\n"
            )
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    (tmp_path / "requirements/tiny.txt").write_text("# pins\nthing==1.0\n")
    (tmp_path / "requirements/extra.txt").write_text("other==1.0\n")
    return tmp_path


def set_up(checkout, *arguments, **variables):
    environment = {
        **os.environ,
        "PYTHON": sys.executable,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(checkout / "index"),
    }
    return subprocess.run(
        [str(checkout / "requirements/set-up.sh"), *arguments],
        capture_output=True,
        text=True,
        env={**environment, **variables},
    )


def version(checkout, module="thing"):
    python = checkout / ".venv/tiny/bin/python"
    code = f"import {module}; print({module}.version)"
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()


def test_what_is_current_is_kept_and_a_changed_pin_makes_anew(checkout):
    first = set_up(checkout, "tiny")
    assert first.returncode == 0, first.stderr
    assert version(checkout) == "1.0"
    (checkout / ".venv/tiny/left").touch()
    again = set_up(checkout, "tiny")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    (checkout / "requirements/tiny.txt").write_text("thing==2.0\n")
    assert set_up(checkout, "tiny").returncode == 0
    assert version(checkout) == "2.0"
    assert not (checkout / ".venv/tiny/left").exists()


def test_an_addition_is_made_once_and_again_after_its_base(checkout):
    assert set_up(checkout, "tiny", "extra").returncode == 0
    assert (version(checkout), version(checkout, "other")) == ("1.0", "1.0")
    assert set_up(checkout, "tiny", "extra").stderr == ""
    assert set_up(checkout, "tiny").stderr == "", "the base is current without its addition"
    (checkout / "requirements/tiny.txt").write_text("thing==2.0\n")
    assert set_up(checkout, "tiny", "extra").returncode == 0
    assert (version(checkout), version(checkout, "other")) == ("2.0", "1.0")


def test_two_at_once_make_it_once(checkout):
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: set_up(checkout, "tiny"), range(2)))
    assert [each.returncode for each in done] == [0, 0]
    assert sum("Setting up" in each.stderr for each in done) == 1
    assert version(checkout) == "1.0"


def test_a_set_up_that_failed_is_not_current(checkout):
    (checkout / "requirements/tiny.txt").write_text("thing==3.0\n")
    failed = set_up(checkout, "tiny")
    assert failed.returncode != 0
    assert "thing==3.0" in failed.stderr
    assert set_up(checkout, "tiny").returncode != 0


def test_another_python_is_refused_with_the_fix(checkout):
    fake = checkout / "python"
    fake.write_text("#!/bin/sh\necho 3.12.1\n")
    fake.chmod(0o755)
    refused = set_up(checkout, "tiny", PYTHON=str(fake))
    assert refused.returncode == 1
    assert f"Python 3.11 is needed, and {fake} is 3.12.1" in refused.stderr
    assert "make PYTHON=" in refused.stderr


def test_missing_system_packages_are_named_in_one_line(checkout):
    # a PATH with everything that the script calls but a compiler, and a Python without ensurepip
    tools = checkout / "tools"
    tools.mkdir()
    for name in ("bash", "dirname", "cat", "env"):
        (tools / name).symlink_to(shutil.which(name))
    python = tools / "python"
    python.write_text('#!/bin/bash\ncase "$2" in *ensurepip*) exit 1;; *) echo 3.11.2;; esac\n')
    python.chmod(0o755)
    refused = set_up(checkout, "tiny", PATH=str(tools), PYTHON="python")
    assert refused.returncode == 1
    assert (
        refused.stderr == "System packages are missing. On Debian: sudo apt-get install python3-venv build-essential\n"
    )
    assert not (checkout / ".venv").exists()


def wheel_of(name: str, folder: Path) -> str:
    """Put a wheel of a package that is installed here into the folder; return its pin."""
    installed = distribution(name)
    with zipfile.ZipFile(folder / f"{name}-{installed.version}-py3-none-any.whl", "w") as wheel:
        for file in installed.files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts and file.name != "RECORD":
                wheel.write(file.locate(), str(file))
        wheel.writestr(f"{name}-{installed.version}.dist-info/RECORD", "")
    return f"{name}=={installed.version}\n"


@pytest.fixture
def whole(checkout: Path) -> Iterator[Path]:
    """A checkout with the environment "main" and the library."""
    shutil.copy(ROOT / "pyproject.toml", checkout)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "workflow/scripts/megascience", checkout / "workflow/scripts/megascience", ignore=ignored)
    (checkout / "requirements/main.txt").write_text("thing==1.0\n" + wheel_of("setuptools", checkout / "index"))
    yield checkout


def test_the_main_environment_has_the_command_which_follows_every_edit(whole: Path) -> None:
    first = set_up(whole, "main")
    assert first.returncode == 0, first.stderr
    said = "import megascience; print(megascience.__file__, megascience.__version__)"
    python = whole / ".venv/main/bin/python"

    def answer() -> str:
        return subprocess.run([python, "-c", said], cwd="/", capture_output=True, text=True, check=True).stdout

    assert answer() == f"{whole}/workflow/scripts/megascience/__init__.py 0.1.0\n"
    assert "megascience.cli.main" in (whole / ".venv/main/bin/megascience").read_text()
    assert set_up(whole, "main").stderr == ""
    init = whole / "workflow/scripts/megascience/__init__.py"
    init.write_text(init.read_text().replace("0.1.0", "0.1.1"))
    assert answer().endswith(" 0.1.1\n")
    # what the command is called is told by pyproject.toml: an edit of it installs the package once more, and no pin
    project = whole / "pyproject.toml"
    project.write_text(project.read_text().replace('megascience = "megascience.cli', 'another = "megascience.cli'))
    (whole / ".venv/main/left").touch()
    assert set_up(whole, "main").returncode == 0
    assert (whole / ".venv/main/bin/another").exists() and (whole / ".venv/main/left").exists()
