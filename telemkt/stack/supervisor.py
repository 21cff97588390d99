"""`make run`: start everything, keep it running, stop it in order."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

import psutil

from telemkt.stack import accounts, given, home, ports, processes, programs, secrets, servers, urls
from telemkt.stack.locks import FileLock
from telemkt.stack.programs import Program
from telemkt.stack.trouble import Trouble, from_os_error

TICK = 0.2
READY_SECONDS = 90


def say(text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone; what runs is to be stopped all the same
        print(text, flush=True)


@dataclass
class Child:
    """A program that is to run: its process, or when to start it again."""

    program: Program
    process: subprocess.Popen | None = None
    start_at: float = 0.0
    backoff: processes.Backoff = field(default_factory=processes.Backoff)

    def start(self) -> None:
        with processes.open_log(self.program.log) as log:
            self.process = subprocess.Popen(
                self.program.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=home.CHECKOUT,
                env=environment(), start_new_session=True,
                preexec_fn=processes.die_with_parent(self.program.death_signal),
            )  # fmt: skip

    def look(self, at: float) -> str:
        """Start it again when it is time. Returns what there is to say."""
        if self.process is None:
            if at >= self.start_at:
                self.start()
            return ""
        if self.process.poll() is None:
            return ""
        code, self.process = self.process.returncode, None
        delay = self.backoff.next(at)
        self.start_at = at + delay
        return f"{self.program.name} {ended(code)}; starting it again in {delay:.1f} s (log: {self.program.log})"

    def ask_to_stop(self) -> None:
        if self.process is not None:
            processes.ask(self.process, self.program.stop_signal)

    def wait_for_end(self) -> None:
        if self.process is not None:
            processes.wait(self.process, self.program.grace)
            self.process = None


def ended(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"


def environment() -> dict[str, str]:
    """What children see: the place of the state made absolute, and nothing of a test run."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return kept | {"TELEMKT_HOME": str(home.home()), "DJANGO_SETTINGS_MODULE": "telemkt.settings"}


class Supervisor:
    def __init__(self, port: int) -> None:
        self.port = port
        self.address = f"http://{ports.HOST}:{port}/"
        self.state = home.run_directory() / "supervisor.json"
        self.lock = FileLock(home.run_directory() / "supervisor.lock")
        self.children: list[Child] = []
        self.stopping = False
        self.is_the_only_one = False
        self.revive_at = 0.0
        self.revive_backoff = processes.Backoff()

    # -- Start --

    def start(self) -> None:
        """Up to the address on the screen. Raises Trouble."""
        began = time.monotonic()
        servers.make_home()
        self._be_the_only_one()
        left_over = self._end_orphans()
        ports.must_be_free(self.port, patience=15 if left_over else 0)
        given.check()
        say("Starting " + " and ".join([*map(self._title, servers.needed())] or ["with the servers given"]) + " ...")
        servers.share_needed()
        self._prepare()
        # only now: whether the demo's agents work is known when the demo is made
        self.children = [Child(program) for program in programs.all_programs(self.port)]
        for child in self.children:
            if self.stopping:
                return
            child.start()
        self._write_state()
        self._wait_for_web()
        if not self.stopping:
            self._announce(time.monotonic() - began)

    def _be_the_only_one(self) -> None:
        if not self.lock.acquire(timeout=0):
            where = self._read_state().get("address", "")
            raise Trouble(
                f"telemkt already runs on {home.home()}{where and ', at ' + where}. Stop it there with Ctrl-C."
            )
        self.is_the_only_one = True

    def _end_orphans(self) -> bool:
        """Programs of a supervisor that was killed, where the kernel did not end them. True after such an end."""
        state = self._read_state()
        orphans = [found for pid, born in state.get("children", []) if (found := find(pid, born))]
        for orphan in orphans:
            with contextlib.suppress(psutil.Error):
                orphan.terminate()
        _, stubborn = psutil.wait_procs(orphans, timeout=10)
        for orphan in stubborn:
            with contextlib.suppress(psutil.Error):
                orphan.kill()
        return bool(state)

    def _prepare(self) -> None:
        say("Preparing the database and the pages ...")
        command = [sys.executable, "-m", "telemkt.stack.prepare"]
        done = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, cwd=home.CHECKOUT, env=environment(), start_new_session=True,
            preexec_fn=processes.die_with_parent(signal.SIGKILL),
        )  # fmt: skip
        _, complaint = self._communicate(done)
        if done.returncode and not self.stopping:
            log = home.log_directory() / "prepare.log"
            log.write_text(complaint)
            last = complaint.strip().splitlines()[-1:] or [ended(done.returncode)]
            raise Trouble(f"{last[0]} (all of it in {log})" if len(complaint.splitlines()) > 1 else last[0])

    def _communicate(self, process: subprocess.Popen) -> tuple[str, str]:
        while True:
            try:
                return process.communicate(timeout=TICK)
            except subprocess.TimeoutExpired:
                if self.stopping:
                    processes.stop(process, signal.SIGTERM, 5)

    def _wait_for_web(self) -> None:
        until = time.monotonic() + READY_SECONDS
        while not self.stopping and not self._answers():
            self._look()
            if time.monotonic() > until:
                web = self.children[-1].program
                raise Trouble(f"The web server did not answer within {READY_SECONDS} seconds. See {web.log}.")
            time.sleep(TICK)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}healthz", timeout=5) as answer:
                return answer.status == 200
        except urllib.error.HTTPError as error:
            # It serves, but under other names, or over TLS only.
            return error.code in {301, 302, 400}
        except OSError:
            return False

    def _announce(self, seconds: float) -> None:
        say(f"\ntelemkt is ready after {seconds:.0f} s: {self.address}\n")
        say(accounts.shown())
        say(f"State and logs: {home.home()}. Stop with Ctrl-C.")

    # -- Life --

    def run(self) -> None:
        """Until somebody asks it to stop."""
        while not self.stopping:
            self._look()
            time.sleep(TICK)

    def _look(self) -> None:
        at = time.monotonic()
        before = [child.process for child in self.children]
        for child in self.children:
            if said := child.look(at):
                say(said)
        self._revive_keepers(at)
        if before != [child.process for child in self.children]:
            self._write_state()

    def _revive_keepers(self, at: float) -> None:
        if at < self.revive_at:
            return
        for name, trouble in servers.revive():
            self.revive_at = at + self.revive_backoff.next(at)
            say(trouble or f"{self._title(name)} had lost its keeper and runs again")

    def ask_to_stop(self, *_: object) -> None:
        self.stopping = True

    # -- End --

    def stop(self) -> None:
        """Web first, so that nothing new comes in; then all that works in the background; the servers last."""
        running = [child for child in reversed(self.children) if child.process is not None]
        if running:
            say("\nStopping ...")
        for group in (running[:1], running[1:]):
            for child in group:
                child.ask_to_stop()
            for child in group:
                child.wait_for_end()
                say(f"  {child.program.name} stopped")
        for name, gone in servers.leave_and_wait():
            say(f"  {self._title(name)} stopped" if gone else f"  {self._title(name)} stays for a command that uses it")
        if self.is_the_only_one:
            self.state.unlink(missing_ok=True)
            self.lock.release()

    # -- State --

    def _write_state(self) -> None:
        running = [child.process.pid for child in self.children if child.process is not None]
        children = [[pid, born] for pid in running if (born := birth(pid))]
        content = {"pid": os.getpid(), "address": self.address, "children": children}
        secrets.write_closed(self.state, json.dumps(content))

    def _read_state(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self.state.read_text()))
        except (OSError, ValueError):
            return {}

    @staticmethod
    def _title(name: str) -> str:
        return {"postgres": "PostgreSQL", "valkey": "Valkey"}[name]


def birth(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0


def find(pid: int, born: float) -> psutil.Process | None:
    """The process of this pid, if it is still the one that was born then."""
    return psutil.Process(pid) if abs(birth(pid) - born) < 1 else None


def main() -> int:
    try:
        supervisor = Supervisor(ports.chosen())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, supervisor.ask_to_stop)
        try:
            supervisor.start()
            supervisor.run()
        finally:
            supervisor.stop()
    except (Trouble, urls.BadUrl) as trouble:
        return fail(trouble)
    except OSError as error:
        return fail(from_os_error(error, str(home.home())))
    return 0


def fail(trouble: Exception) -> int:
    print(trouble, file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
