"""Each spec in tests/invalid is refused with the message of its first two lines: place and way out."""

from pathlib import Path

import pytest

from saltus.derive import any_loss, spec
from saltus.derive.lower import lower
from saltus.errors import DerivationError, SpecError

FOLDER = Path(__file__).parent.parent / "invalid"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_is_refused(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    message = "\n".join(line.removeprefix("# ") for line in text.split("\n")[:2])
    with pytest.raises((SpecError, DerivationError)) as refusal:
        any_loss.lower_loss(any_loss.load(path)) if "[loss]" in text else lower(spec.load(path))
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("spec_file", "message"),
    [
        ("missing.toml", "missing.toml cannot be read: No such file"),
        (
            "lff",
            '"lff" is not among the shipped models.\nGive a path that ends in .toml, or one of: adex, ',
        ),
    ],
)
def test_what_is_not_there(spec_file: str, message: str) -> None:
    with pytest.raises(SpecError) as refusal:
        spec.load(spec_file)
    assert str(refusal.value).startswith(message)


def test_not_text(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(b'title = "\xe9"')
    with pytest.raises(SpecError, match="is not UTF-8 text"):
        spec.load(path)
