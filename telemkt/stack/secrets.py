"""Secrets made on first start, each in a file that only its owner reads, outside the database directory."""

import os
import secrets
from pathlib import Path

from telemkt.stack import home
from telemkt.stack.trouble import Trouble, from_os_error


def closed_directory(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def secret(name: str) -> str:
    """The secret of this name, made when it is first asked for. Two that ask at once get the same one.

    Raises Trouble when the directory cannot be written.
    """
    try:
        path = closed_directory(home.keys_directory()) / name
        return path.read_text().strip() if path.exists() else _make(path, secrets.token_urlsafe(50))
    except OSError as error:
        raise from_os_error(error, str(home.keys_directory())) from error


def write_closed(path: Path, text: str) -> None:
    """Replace the file as a whole; nobody but the owner may read it at any moment."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)


def _make(path: Path, value: str) -> str:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    write_closed(draft, value + "\n")
    try:
        os.link(draft, path)  # refuses when somebody was faster, so a secret never changes
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip()


def own_parent_of(path: Path) -> None:
    """Outside of the home the parent lies in a directory that all may write: it must be ours. Raises Trouble."""
    parent = path.parent
    parent.mkdir(parents=True, exist_ok=True, mode=0o711)
    if parent.stat().st_uid != os.geteuid() or parent.is_symlink():
        raise Trouble(f"{parent} belongs to somebody else. Remove it, or choose a shorter TELEMKT_HOME.")
