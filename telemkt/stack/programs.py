"""The programs that serve, and how each is started and stopped."""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from telemkt.stack import home, ports


@dataclass(frozen=True)
class Program:
    """One child of the supervisor.

    `stop_signal` lets it finish what it does; `death_signal` is what the kernel sends when the supervisor is gone.
    """

    name: str
    argv: list[str]
    stop_signal: int = signal.SIGTERM
    death_signal: int = signal.SIGTERM
    grace: float = 20.0

    @property
    def log(self) -> Path:
        return home.log_directory() / f"{self.name}.log"


def all_programs(port: int) -> list[Program]:
    """In the order in which they start; they stop in the reverse order."""
    return [
        beat(),
        worker("bulk", _count("BULK_WORKERS", 1)),
        worker("fast", _count("FAST_WORKERS", 2)),
        *([demo()] if plays_demo() else []),
        web(port),
    ]


def web(port: int) -> Program:
    arguments = [
        "--worker-class", "gthread", "--workers", str(_count("WEB_WORKERS", 2)), "--threads", "8",
        "--bind", f"{ports.HOST}:{port}", "--timeout", "120", "--graceful-timeout", "10", "--keep-alive", "5",
        "--no-control-socket", "--log-level", "warning",
    ]  # fmt: skip
    if Path("/dev/shm").is_dir():
        arguments += ["--worker-tmp-dir", "/dev/shm"]  # a heartbeat on a slow disk gets workers killed
    return Program("web", [sys.executable, "-m", "gunicorn", *arguments, "telemkt.wsgi:application"])


def worker(queue: str, processes: int) -> Program:
    arguments = [
        "worker", "--queues", queue, "--concurrency", str(processes), "--hostname", f"{queue}@%h",
        "--without-gossip", "--without-mingle", "--loglevel", "WARNING",
    ]  # fmt: skip
    # A cold shutdown: what it was doing is taken up again from its last chunk.
    return Program(f"worker-{queue}", _celery(*arguments), death_signal=signal.SIGQUIT, grace=8.0)


def beat() -> Program:
    schedule = home.run_directory() / "beat-schedule"
    return Program(
        "beat", _celery("beat", "--schedule", str(schedule), "--pidfile=", "--loglevel", "WARNING"), grace=5.0
    )


def plays_demo() -> bool:
    """Where the demo was made, its agents work, so that the floor lives; DEMO=0 or DEMO_AT_WORK=0 sends them home."""
    sent_home = "0" in (os.environ.get("DEMO"), os.environ.get("DEMO_AT_WORK"))
    return home.accounts_file().exists() and not sent_home


def demo() -> Program:
    return Program("demo", [sys.executable, "manage.py", "play_demo"], grace=5.0)


def _celery(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "celery", "--app", "telemkt", "--quiet", *arguments]


def _count(variable: str, default: int) -> int:
    text = os.environ.get(variable, "")
    return max(1, int(text)) if text.isdigit() else default
