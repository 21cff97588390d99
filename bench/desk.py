"""The desk: next lead, step and result, 50 agents on 1,000,000 leads, while a list of 200,000 rows is read in and a day is counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.figures import Figure

AGENTS, WEB_PROCESSES = 50, 2
SECONDS = float(os.environ.get("BENCH_DESK_SECONDS", "100"))
# A short call: five seconds to read, four steps of five seconds with a look each second, ten seconds to save it.
READING, STEP, POLLS, SAVING = 5.0, 5.0, 5, 10.0
STEPS = 4
PROMISED = 4
CYCLE = READING + STEPS * STEP + SAVING
DATABASE = "telemkt_bench_desk"
TEAM = 21  # the first team of the region in bench.claim
KINDS = {"next": "next lead", "step": "step, with its answers", "result": "result", "poll": "what changed in the call"}  # fmt: skip
FIRST_AGENT = 1000


def run() -> list[Figure]:
    """All figures; the bench works in a database of its own and drops it."""
    from bench.scratch import scratch_database

    with scratch_database(DATABASE):
        _prepare()
        quiet = _work(SECONDS / 2)
        bulk = [_child(kind) for kind in ("import", "rollup")]
        try:
            _await_bulk(bulk)
            busy = _work(SECONDS)
            done = [child.poll() for child in bulk]
        finally:
            for child in bulk:
                child.kill()
                child.wait()
    assert done == [None, None], f"the bulk work ended before the agents did: {done}"
    return [_figure(kind, busy[kind], quiet[kind]) for kind in KINDS]


def _figure(kind: str, busy: list[float], quiet: list[float]) -> Figure:
    p95 = _percentile(busy, 0.95)
    words = f"{len(busy)} posts, median {_percentile(busy, 0.5):.0f} ms; without the bulk work p95 {_percentile(quiet, 0.95):.0f} ms"
    return Figure(f"{KINDS[kind]}: p95, {AGENTS} agents", p95, "ms", None, words, "under 100 ms", p95 < 100)


def _percentile(times: list[float], share: float) -> float:
    return sorted(times)[int(len(times) * share)] * 1000


# -- what is there -----------------------------------------------------------------------------------------------------


def _prepare() -> None:
    from django.db import connection

    from bench import claim, rollup
    from core.partitions import ensure_partitions
    from core.sealed import seal
    from people.models import Membership, Region

    claim.sql(claim.SEED)
    claim.sql(claim.LEAD_ROWS)
    Region.objects.get_or_create(pk=1, defaults={"name": "Bench"})
    ensure_partitions("campaigns_call", rollup.DAY, 1)
    rollup._make_day(rollup.DAY, product=1)
    Membership.objects.bulk_create(
        Membership(user_id=FIRST_AGENT + n, role="agent", team_id=TEAM, valid_from="2020-01-01") for n in range(AGENTS)
    )
    _script()
    _promises()
    with connection.cursor() as cursor:
        # the import makes cities, customers and numbers of its own, behind those that were made with their ids
        for table in ("people_city", "people_user", "customers_customer", "customers_phone"):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
        # dialling opens the seal
        cursor.execute("UPDATE customers_phone SET sealed = %s", [seal("8619900001234")])
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def _script() -> None:
    """Two steps in each of the six parts, each with a question."""
    from campaigns.models import Campaign
    from scripts.models import Product, Script, ScriptQuestion, ScriptStep, ScriptVersion

    script = Script.objects.create(product=Product.objects.get(pk=1), code="bench", name="Bench")
    version = ScriptVersion.objects.create(script=script, number=1)
    for position, part in enumerate([part for part in ScriptStep.Part for _twice in range(2)], start=1):
        step = ScriptStep.objects.create(
            version=version, part=part, position=position, title=f"步骤{position}",
            text="{name|您}，您好：我们为老客户准备了更快的宽带，每月只多十元。" * 4, must_say="合约期十二个月",
        )  # fmt: skip
        ScriptQuestion.objects.create(
            step=step, position=1, code="q", text="您觉得怎么样？", choices=["好", "不好", "再说"]
        )
    approved = {"approved_at": datetime(2026, 1, 1, tzinfo=UTC)}
    for status, more in (("in_review", {}), ("approved", approved), ("live", {})):
        ScriptVersion.objects.filter(pk=version.pk).update(status=status, **more)
    Campaign.objects.filter(product_id=1).update(script=script, script_version=version)


def _promises() -> None:
    """Each agent has promised some customers a call in the next days, which stand on the board and beside new promises."""
    from datetime import timedelta

    from campaigns.models import Callback, Lead
    from core.clock import database_now

    at = database_now()
    leads = list(
        Lead.objects.filter(campaign=1, state="open", priority=5).order_by("-ready_at", "pk")[: PROMISED * AGENTS]
    )
    for number, lead in enumerate(leads):
        lead.callback_agent_id = FIRST_AGENT + number % AGENTS
        lead.due_at = lead.ready_at = at + timedelta(hours=3 + 5 * (number // AGENTS))
    Lead.objects.bulk_update(leads, ["callback_agent", "due_at", "ready_at"])
    Callback.objects.bulk_create(
        Callback(lead=lead, agent_id=lead.callback_agent_id, due_at=lead.due_at, note="") for lead in leads
    )


# -- who works ---------------------------------------------------------------------------------------------------------


def _child(*words: str) -> subprocess.Popen:
    # as `make run` starts its programs: where the kernel shares processors out by session, that decides who waits for whom
    return subprocess.Popen(
        [sys.executable, "-m", "bench.desk", *words], stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def _await_bulk(children: list[subprocess.Popen]) -> None:
    """Until each says that it has begun: the workbook is made before."""
    for child in children:
        assert child.stdout
        assert child.stdout.readline().strip() == "begun", "the bulk work did not begin"


def _work(seconds: float) -> dict[str, list[float]]:
    """Half of the agents in each of two processes, as many as `make run` has for pages. Times in seconds by kind."""
    children = [_child("agents", str(n), str(seconds)) for n in range(WEB_PROCESSES)]
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for child in children:
        told, _none = child.communicate()
        assert child.returncode == 0, "agents stopped working"
        for kind, times in json.loads(told.splitlines()[-1]).items():
            found[kind] += times
    return found


class Agent:
    """One who takes a lead, dials, goes through some steps, hangs up, saves, and takes the next, until the time is over."""

    def __init__(self, number: int, times: dict[str, list[float]]) -> None:
        from django.test import Client

        from campaigns.models import Campaign
        from people.models import User

        self.user = User.objects.get(pk=FIRST_AGENT + number)
        self.client = Client(raise_request_exception=True)
        self.client.force_login(self.user)
        self.times = times
        version = Campaign.objects.get(pk=1).script_version
        assert version
        self.version, self.steps = version.pk, list(version.steps.order_by("position").prefetch_related("questions"))

    def post(self, kind: str, path: str, data: Any, *, key: str = "", **more: Any) -> Any:
        headers = {"HX-Request": "true", **({"Idempotency-Key": key} if key else {})}
        began = time.perf_counter()
        answer = self.client.post(f"/desk/{path}/", data, headers=headers, **more)
        if kind:
            self.times[kind].append(time.perf_counter() - began)
        assert answer.status_code == 200, (path, answer.status_code, answer.content[:300])
        return answer

    def work(self, until: float, pause: Callable[[float], None]) -> None:
        self.post("next", "start", {})
        while time.monotonic() < until:
            pause(READING)
            self.call(pause)

    def call(self, pause: Callable[[float], None]) -> None:
        from campaigns.models import Lead

        lead = Lead.objects.held_by(self.user).get().pk
        self.post("", "dial", {"lead": lead})
        self._answered(lead)
        for number, step in enumerate(self.steps[:STEPS], start=1):
            for _poll in range(POLLS):
                pause(STEP / POLLS)
                self.poll(lead)
            self.post("step", "notes", json.dumps({"lead": lead, "notes": self._notes(number, step)}), content_type="application/json")  # fmt: skip
        self.post("", "hang-up", {"lead": lead})
        pause(SAVING)
        self.post("result", "result", {"lead": lead, "disposition": "considering", "note": "再打", "notes": json.dumps(self._notes(STEPS + 1, self.steps[STEPS]))}, key=uuid.uuid4().hex)  # fmt: skip
        self.post("next", "next", {})

    def poll(self, lead: int) -> None:
        began = time.perf_counter()
        answer = self.client.get("/desk/phase/", {"lead": lead, "phase": "talking"}, headers={"HX-Request": "true"})
        self.times["poll"].append(time.perf_counter() - began)
        assert answer.status_code in (200, 204), answer.status_code

    def _notes(self, version: int, step: Any) -> dict[str, Any]:
        [question] = step.questions.all()
        return {"version": version, "writer": "b", "script": self.version, "answers": {str(question.pk): "好"},
                "path": [[s.pk, 2 * (STEPS + 1 - n)] for n, s in enumerate(self.steps[: min(version, STEPS + 1)])]}  # fmt: skip

    def _answered(self, lead: int) -> None:
        """The simulated telephone lets everybody answer at once: nobody is waited for here."""
        from campaigns.models import LiveCall

        call = LiveCall.objects.get(lead_id=lead, settled_at=None)
        call.outcome, call.answered_at = "answered", call.placed_at
        call.ends_at = datetime(2099, 1, 1, tzinfo=UTC)
        call.save()


def _agents(share: int, seconds: float) -> None:
    from django.conf import settings
    from django.db import connection

    from core.memory import settle
    from core.turns import take_short_turns

    settle()
    take_short_turns()
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    mine = range(share, AGENTS, WEB_PROCESSES)
    ready, faults = threading.Barrier(len(mine)), []

    def work(place: int, number: int) -> None:
        try:
            agent = Agent(number, {kind: [] for kind in KINDS})
            # a server that works has read its templates, and its connections know their plans
            agent.post("", "start", {})
            agent.post("", "pause", {"reason": "end"})
            ready.wait()
            agent.times = times
            time.sleep(CYCLE * place / len(mine))
            agent.work(time.monotonic() + seconds, time.sleep)
            agent.client.post("/desk/skip/", {"lead": "0", "reason": "bench"})
        except BaseException as error:
            faults.append(repr(error))
            ready.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(mine)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        sys.exit(f"{len(faults)} agents stopped: {faults[0]}")
    print(json.dumps(times))


# -- what else the machine does ----------------------------------------------------------------------------------------


def _import() -> None:
    """A list of 200,000 rows after the other, to the commit."""
    import tempfile

    from bench import import_leads

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.xlsx"
        import_leads.make_workbook(path, 0)
        print("begun", flush=True)
        for number in range(100):
            import_leads._pipeline(path, number)
            import_leads.make_workbook(path, number + 1)


def _rollup() -> None:
    from bench import rollup

    print("begun", flush=True)
    while True:
        rollup._build_seconds()


def main(kind: str, *words: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemkt.settings")
    import django

    from telemkt.stack import priorities, servers

    servers.share_needed()
    django.setup()
    from django.db import connection

    connection.settings_dict["NAME"] = DATABASE
    if kind == "agents":
        return _agents(int(words[0]), float(words[1]))
    priorities.give_way()
    return {"import": _import, "rollup": _rollup}[kind]()


if __name__ == "__main__":
    main(*sys.argv[1:])
