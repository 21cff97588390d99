"""The real stack in a directory of its own: everything is killed in turn, and everything comes back."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from telemkt.stack import home
from telemkt.tests.test_stack import free_port

pytestmark = pytest.mark.slow

URLS = {"DATABASE_URL", "DATABASE_REPLICA_URL", "REDIS_URL"}


@pytest.fixture
def place() -> Iterator[Path]:
    # Not tmp_path: root's PostgreSQL runs as somebody else, who must be able to reach the directory.
    path = Path(tempfile.mkdtemp(prefix="telemkt-test-"))
    path.chmod(0o755)
    yield path
    for process in belonging(path):
        process.kill()
    shutil.rmtree(path, ignore_errors=True)


def environment(place: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in URLS and not name.startswith("PYTEST_")}
    return {**kept, "TELEMKT_HOME": str(place), "PYTHONPATH": str(home.CHECKOUT), "DEMO": "0", **more}


def belonging(place: Path) -> list[psutil.Process]:
    """Every living process of this home."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                continue
            if process.environ().get("TELEMKT_HOME") == str(place) or str(place) in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def find(place: Path, *words: str) -> psutil.Process | None:
    """The oldest process of this home whose command line has all these words."""
    matching = [process for process in belonging(place) if all(word in " ".join(cmdline(process)) for word in words)]
    return min(matching, key=lambda process: process.create_time(), default=None)


def cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def eventually(holds: Callable[[], bool], seconds: float = 60) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.2)
    return False


class Stack:
    def __init__(self, place: Path) -> None:
        self.place, self.port = place, free_port()
        self.output = place / "output.txt"

    def start(self) -> None:
        with open(self.output, "w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "telemkt.stack.supervisor"], stdout=output, stderr=output, cwd=home.CHECKOUT,
                env=environment(self.place, PORT=str(self.port)), start_new_session=True,
            )  # fmt: skip
        assert eventually(lambda: "is ready" in self.said() or self.process.poll() is not None, 150)
        assert self.process.poll() is None, self.said()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def said(self) -> str:
        return self.output.read_text()

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def killed_and_back(self, *words: str) -> bool:
        """Kill the process with these words; True when another one has taken its place and pages are served."""
        victim = find(self.place, *words)
        assert victim is not None, words
        victim.kill()

        def is_back() -> bool:
            other = find(self.place, *words)
            return other is not None and other != victim and self.answers()

        return eventually(is_back)


@pytest.fixture
def stack(place: Path) -> Iterator[Stack]:
    stack = Stack(place)
    yield stack
    stack.kill()


VICTIMS = [
    ("gunicorn",),
    ("--queues", "fast"),
    ("--queues", "bulk"),
    ("celery", "beat"),
    ("valkey-server",),
    ("bin/postgres", "-D"),
    ("keeper", "postgres"),
    ("keeper", "valkey"),
]


def test_what_is_killed_comes_back_nothing_is_lost_and_ctrl_c_stops_all_in_order(stack):
    stack.start()
    run_code(stack.place, "from people.models import User; User.objects.create(username='kept')")

    for words in VICTIMS:
        assert stack.killed_and_back(*words), (words, stack.said())

    # The supervisor itself: all that it answers for ends with it, and the next start finds its way.
    stack.kill()
    assert eventually(lambda: belonging(stack.place) == []), belonging(stack.place)
    stack.start()
    kept = run_code(stack.place, "from people.models import User; print(User.objects.filter(username='kept').count())")
    assert kept == "1"

    stack.process.send_signal(signal.SIGINT)

    assert stack.process.wait(90) == 0
    assert eventually(lambda: belonging(stack.place) == [], 5)
    stopped = [line.split()[0] for line in stack.said().splitlines() if line.endswith(" stopped")]
    assert stopped[0] == "web"
    assert set(stopped[-2:]) == {"PostgreSQL", "Valkey"}


def run_code(place: Path, code: str) -> str:
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "--command", code]
    done = subprocess.run(
        command, cwd=home.CHECKOUT, env=environment(place), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def holder(place: Path) -> subprocess.Popen:
    """A command that uses the embedded PostgreSQL for a while."""
    code = "from telemkt.stack import servers; servers.share('postgres'); print('ready', flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=home.CHECKOUT,
        env=environment(place),
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    return process


def server(place: Path) -> psutil.Process | None:
    return find(place, "bin/postgres", "-D")


def test_two_commands_share_one_server_and_the_last_one_out_stops_it(place):
    with holder(place) as first, holder(place) as second:
        running = server(place)
        first.kill()
        first.wait()
        time.sleep(1)
        assert server(place) == running

        second.communicate("\n")

    assert eventually(lambda: belonging(place) == [], 30)
