"""What is installed is what lies in the tree, and nothing in the tree belongs to one machine."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("derive", "generated", "runtime", "templates")
BUILD = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]


def tracked() -> list[Path]:
    """The files that git tracks, symbolic links left out."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    files = [ROOT / name for name in names.split("\0") if name]
    return [file for file in files if file.is_file() and not file.is_symlink()]


def test_every_package_of_the_tree_is_listed():
    """setuptools does not look into mapped folders by itself: each nested package must be named."""
    folders = {"saltus"}
    for stage in STAGES:
        inits = (ROOT / stage).rglob("__init__.py")
        folders |= {".".join(("saltus", *init.parent.relative_to(ROOT).parts)) for init in inits}
    assert sorted(BUILD["packages"]) == sorted(folders)


def test_the_stages_are_mapped_under_one_name():
    assert {f"saltus.{stage}": stage for stage in STAGES} | {"saltus": "saltus"} == BUILD["package-dir"]


def test_everything_that_is_no_python_is_package_data():
    """Specs, templates, generated C: a file that no pattern takes would be missing from the wheel."""
    mapping = {package: BUILD["package-dir"].get(package) for package in BUILD["packages"]}
    for package in BUILD["packages"]:
        mapping[package] = mapping[package] or package.removeprefix("saltus.").replace(".", "/")
    taken = {
        file
        for package, patterns in BUILD["package-data"].items()
        for pattern in patterns
        for file in (ROOT / mapping[package]).glob(pattern)
    }
    inside = [file for file in tracked() if file.relative_to(ROOT).parts[0] in {"saltus", *STAGES}]
    missing = [file for file in inside if file.suffix != ".py" and file not in taken]
    assert not missing, "name these in [tool.setuptools.package-data]"
    assert any(file.suffix == ".jinja" for file in taken)
    assert any(file.suffix == ".toml" for file in taken)
    assert any(file.name == "ir.json" for file in taken)


def test_no_file_knows_the_machine_it_was_written_on():
    path = re.compile(rb"(?<![\w./<])/(?:home|Users|root|work|tmp/[a-z])[/\w.-]*")
    found = [
        f"{file.relative_to(ROOT)}: {match.group().decode()}"
        for file in tracked()
        if (match := path.search(file.read_bytes())) is not None and file.suffix not in {".png", ".ico"}
    ]
    assert not found


def test_a_checkout_without_symbolic_links_imports_too(tmp_path):
    """git writes a link as a small text file where the file system has none."""
    for stage in STAGES:
        shutil.copytree(ROOT / stage, tmp_path / stage, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "saltus").mkdir()
    for file in (ROOT / "saltus").iterdir():
        if file.is_symlink():
            (tmp_path / "saltus" / file.name).write_text("../" + file.name)
        elif file.is_file():
            shutil.copy(file, tmp_path / "saltus")
    program = "import saltus, saltus.templates.ir as ir; print(ir.__file__)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()) == tmp_path / "templates" / "ir.py"
