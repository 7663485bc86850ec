"""Checkpoints are written whole or not at all, and say what is wrong when they cannot be used."""

import errno

import numpy as np
import pytest

from saltus.errors import InputError, RunError
from saltus.runtime import checkpoint
from saltus.runtime.checkpoint import Checkpoint, load, require_same, save


def example(value=1.0):
    arrays = {"now/w": np.full((2, 3), value), "best/w": np.zeros((2, 3)), "optimiser/steps": np.array(7)}
    return Checkpoint({"seed": "1"}, arrays, {"history": {"epochs": [{"loss": 0.1 + 0.2}], "best": None}})


def test_what_is_saved_is_loaded_bit_by_bit(tmp_path):
    path = tmp_path / "runs" / "a.npz"
    save(path, example(np.nextafter(1.0, 2.0)))
    found = load(path)
    assert found.identity == {"seed": "1"}
    assert found.progress == {"history": {"epochs": [{"loss": 0.1 + 0.2}], "best": None}}
    assert np.array_equal(found.group("now")["w"], np.full((2, 3), np.nextafter(1.0, 2.0)))
    assert set(found.group("optimiser")) == {"steps"}
    assert files(tmp_path / "runs") == ["a.npz"]


def files(folder):
    return [path.name for path in folder.iterdir()]


def full_disk(*arguments, **keywords):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    save(path, example(1.0))
    monkeypatch.setattr(checkpoint.np, "savez", full_disk)
    with pytest.raises(
        RunError, match=r"No space left on device. The checkpoint before it is whole; free space"
    ):
        save(path, example(2.0))
    assert load(path).group("now")["w"][0, 0] == 1.0
    assert files(tmp_path) == ["a.npz"]


def test_a_full_disk_at_the_first_checkpoint_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint.np, "savez", full_disk)
    with pytest.raises(RunError, match=r"There is no checkpoint yet; free space or choose"):
        save(tmp_path / "a.npz", example())
    assert files(tmp_path) == []


def interrupted(*arguments, **keywords):
    raise KeyboardInterrupt


def test_ctrl_c_while_writing_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    save(path, example(1.0))
    monkeypatch.setattr(checkpoint.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(path, example(2.0))
    assert load(path).group("now")["w"][0, 0] == 1.0
    assert files(tmp_path) == ["a.npz"]


def test_a_folder_that_cannot_be_made_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"could not be written"):
        save(tmp_path / "file" / "a.npz", example())


def test_an_array_on_its_own_is_refused(tmp_path):
    with (tmp_path / "a.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(InputError, match=r"no whole checkpoint"):
        load(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 and then nothing"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(
        InputError, match=r"this is no whole checkpoint .*move this file away to start afresh"
    ):
        load(path)


def test_a_cut_or_changed_checkpoint_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    save(path, example())
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"no whole checkpoint"):
        load(path)
    changed = bytearray(whole)
    changed[whole.index(b"\x00\x00\x00\x00\x00\x00\xf0?")] ^= 1  # a bit of an array
    path.write_bytes(changed)
    with pytest.raises(InputError, match=r"no whole checkpoint"):
        load(path)


def test_an_archive_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", w=np.zeros(3))
    with pytest.raises(InputError, match=r"no whole checkpoint"):
        load(tmp_path / "a.npz")


def test_pickled_objects_are_never_loaded(tmp_path):
    np.savez(tmp_path / "a.npz", w=np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"no whole checkpoint"):
        load(tmp_path / "a.npz")


def test_another_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "FORMAT", "saltus-checkpoint-0")
    save(tmp_path / "a.npz", example())
    monkeypatch.undo()
    with pytest.raises(InputError, match='"saltus-checkpoint-0", this version reads "saltus-checkpoint-1"'):
        load(tmp_path / "a.npz")


def test_another_run_is_refused_naming_every_difference(tmp_path):
    with pytest.raises(
        InputError, match=r"of another run: seed is 1 there, 2 here; lr is absent there, 0.1 here"
    ):
        require_same(tmp_path / "a.npz", {"seed": "1", "b": "3"}, {"seed": "2", "lr": "0.1", "b": "3"})
    require_same(tmp_path / "a.npz", {"seed": "1"}, {"seed": "1"})
