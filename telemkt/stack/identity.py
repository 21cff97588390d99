"""Who runs the embedded PostgreSQL, which refuses root."""

import os
import pwd
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from telemkt.stack import home
from telemkt.stack.trouble import Trouble

AGAIN = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, int(sys.argv[1]), 0, 0, 0); os.execv(sys.argv[2], sys.argv[2:])"
)


@dataclass(frozen=True)
class Identity:
    """PostgreSQL refuses root, so root runs it as somebody else, or in a namespace in which it is not root."""

    prefix: list[str] = field(default_factory=list)
    uid: int | None = None
    gid: int | None = None

    @property
    def popen(self) -> dict[str, Any]:
        return {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def command(self, argv: list[str], death_signal: int) -> list[str]:
        """The command that runs this server. Entering the namespace makes the kernel forget the death signal."""
        if not self.prefix:
            return argv
        return [*self.prefix, sys.executable, "-c", AGAIN, str(death_signal), *argv]

    def own(self, directory: Path, *, again: bool = False) -> None:
        """Make the directory, and all in it, theirs alone."""
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
        if os.geteuid() != 0:
            return
        uid, gid = self.uid or 0, self.gid or 0
        if directory.stat().st_uid == uid and not again:
            return
        for parent, folders, files in os.walk(directory):
            for name in (*folders, *files):
                os.chown(os.path.join(parent, name), uid, gid, follow_symlinks=False)
        os.chown(directory, uid, gid)  # last: it says that all of them are done


def choose(place: Path) -> Identity:
    if os.geteuid() != 0:
        return Identity()
    for candidate in _candidates(place):
        if _reaches(candidate, place / "postgres") and _reaches(candidate, home.run_directory()):
            return candidate
    prefix = ["unshare", "--user", "--map-user=65534", "--map-group=65534"]
    inside = Identity(prefix=prefix)
    if _reaches(inside, place / "postgres"):
        return inside
    raise Trouble(
        "PostgreSQL may not run as root, and no other account can reach this directory. "
        "Run make as an ordinary user, move the checkout, or name a server in DATABASE_URL."
    )


def _candidates(place: Path) -> list[Identity]:
    """Whoever owns the state or the binaries (a home closed to others), then the accounts made for servers."""
    found = []
    for path in (home.home(), place):
        status = path.stat()
        if status.st_uid != 0:
            found.append(Identity(uid=status.st_uid, gid=status.st_gid))
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            found.append(Identity(uid=entry.pw_uid, gid=entry.pw_gid))
    return found


def _reaches(who: Identity, path: Path) -> bool:
    try:
        return (
            subprocess.run([*who.prefix, "test", "-x", path], cwd="/", capture_output=True, **who.popen).returncode == 0
        )
    except (OSError, subprocess.SubprocessError):
        return False
