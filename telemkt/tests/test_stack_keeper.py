"""The end of a keeper, and the directory of the sockets, as newcomers meet them."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from telemkt.stack import home, keeper, postgres, secrets, servers, valkey
from telemkt.stack.locks import is_held
from telemkt.stack.trouble import Trouble


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TELEMKT_HOME", str(tmp_path / "home"))
    servers.make_home()
    return tmp_path / "home"


class Process:
    returncode = None

    def poll(self) -> None:
        return None


def test_a_keeper_that_goes_is_taken_for_dead_before_anybody_gets_in(empty_home, monkeypatch):
    """A newcomer who got the gate first would share a server that has ended."""
    run, seen, kept = home.run_directory(), [], []

    class Watched(keeper.Keeper):
        def __init__(self, name: str) -> None:
            super().__init__(name)
            kept.append(self)

    def stop(*_arguments: object) -> None:
        seen.append([is_held(run / f"valkey.{role}") for role in ("keeper", "users", "gate")])

    server = SimpleNamespace(prepare=lambda: None, start=lambda _: Process(), STOP_SIGNAL=15, GRACE=1)
    monkeypatch.setitem(keeper.KINDS, "valkey", server)
    monkeypatch.setattr(keeper, "Keeper", Watched)
    monkeypatch.setattr(keeper.processes, "stop", stop)
    monkeypatch.setattr(keeper.signal, "signal", lambda *_: None)
    read_end, write_end = os.pipe()

    keeper.main("valkey", write_end)

    assert os.read(read_end, 99) == b"ready"
    assert seen == [[True, True, True]]  # as long as the server stops
    after = [is_held(run / f"valkey.{role}") for role in ("keeper", "users", "gate")]
    os.close(read_end)
    kept[0].users.release()
    kept[0].gate.release()
    assert after == [False, True, True]  # until the process is gone


def birth_of_a_cluster() -> None:
    postgres._create_cluster(Path(), SimpleNamespace(own=lambda _: None), postgres.data_directory())


@pytest.mark.parametrize("prepare", [valkey.prepare, birth_of_a_cluster])
def test_sockets_are_not_put_where_somebody_else_was_first(empty_home, tmp_path, monkeypatch, prepare):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (tmp_path / "link").symlink_to(theirs)
    monkeypatch.setattr(home, "socket_directory", lambda name: tmp_path / "link" / name)

    with pytest.raises(Trouble, match="belongs to somebody else"):
        prepare()

    assert not list(theirs.iterdir())


def test_a_directory_of_our_own_will_do(tmp_path):
    secrets.own_parent_of(tmp_path / "sockets" / "valkey")

    assert (tmp_path / "sockets").is_dir()
