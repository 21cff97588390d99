"""Where the state lies: one directory, `TELEMKT_HOME`, and every path inside it."""

import hashlib
import os
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]

# sockaddr_un holds 104 bytes on macOS and 108 on Linux; "/.s.PGSQL.5432.lock" must fit behind the directory.
LONGEST_SOCKET_DIRECTORY = 80


def home() -> Path:
    return Path(os.environ.get("TELEMKT_HOME") or CHECKOUT / "var").expanduser().resolve()


def keys_directory() -> Path:
    return home() / "keys"


def files_directory() -> Path:
    return home() / "files"


def run_directory() -> Path:
    return home() / "run"


def log_directory() -> Path:
    return home() / "log"


def socket_directory(server: str) -> Path:
    """A closed directory for the socket of one server: the same for every process that knows TELEMKT_HOME."""
    inside = run_directory() / f"{server}.socket"
    if len(str(inside)) <= LONGEST_SOCKET_DIRECTORY:
        return inside
    digest = hashlib.sha256(str(home()).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"telemkt-{os.getuid()}-{digest}" / server


def accounts_file() -> Path:
    """What `make_demo` writes: [{"role", "login", "password", "language"}, ...]."""
    return home() / "demo-accounts.json"
