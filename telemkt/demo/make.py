"""The demo, whole: one transaction, so that there is all of it or nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from random import Random

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.audit import audit
from core.calendar import business_date, midnight
from core.errors import DomainError
from core.jobs import enqueue
from customers.models import Customer
from people.models import User
from telemkt.demo import (
    bulletins,
    calibration,
    checkpoints,
    coaching,
    complaints,
    costs,
    evaluations,
    full_runs,
    growth,
    guidance,
    history,
    knowledge,
    opportunities,
    plan,
    points,
    promises,
    samples,
    sounds,
    states,
    store,
    surveys,
    trials,
    words,
    wrap_ups,
)
from telemkt.demo.accounts import People, make_people

SEED = 20081  # any number: the same one makes the same demo
SPARE = {"HOME-500": 1500, "CARE-TRY": 600}


class NotEmpty(DomainError):
    """There is real work in this system: a demo would mix with it."""


@transaction.atomic
def make_demo(*, at: datetime) -> People:
    """Fill an empty system. Raises NotEmpty. Call `write_accounts` after the commit."""
    if Customer.objects.exists() or User.objects.exists():
        raise NotEmpty(_("The demo is made in an empty system only; this one has people or customers already."))
    _load_fast()
    today = business_date(at)
    people = make_people(today, Random(SEED))
    made = plan.make_plan(people, today, at)
    knowledge.make_knowledge(people, today, at)
    loader = store.Loader(people, made, today, at, Random(SEED + 1))
    for place, city in enumerate(people.cities):
        _play_city(loader, people, place, city.pk, today, at)
    loader.write()
    trials.make_experiment(people, made.campaigns["HOME-500"], at)
    guidance.make_guidance(people, at)
    states.make_states(today_begins=midnight(today), now=at, zone=settings.TIME_ZONE)
    promises.make_promises(at)
    sounds.make_recordings(at)
    evaluations.make_evaluations(people, at)
    samples.make_samples(people, at)
    growth.make_growth(people, at)
    full_runs.make_full_runs(people, at)
    surveys.make_surveys(people, at)
    wrap_ups.make_wrap_ups(people, at)
    coaching.make_coaching(people, at)
    bulletins.make_bulletins(people, at)
    complaints.make_complaints(people, at)
    checkpoints.make_checkpoints(people, at)
    calibration.make_calibration(people, at)
    points.make_points(people, at)
    opportunities.make_opportunities(people, at)
    costs.make_costs(people, made.campaigns["HOME-500"], at)
    people.set_passwords()
    enqueue(kind="metrics.rollup", key="demo", args={"all": True})
    audit("telemkt.demo.made", None, by=None, at=at, customers=loader.used)
    return people


def _load_fast() -> None:
    """The rows fit together by construction: where the server lets us, keys are not checked one by one, nor is history written."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute("SET LOCAL work_mem = '192MB'")
        cursor.execute("SET LOCAL maintenance_work_mem = '192MB'")
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone()[0]:
            cursor.execute("SET LOCAL session_replication_role = replica")


def _play_city(loader: store.Loader, people: People, place: int, city_id: int, today, at: datetime) -> None:
    rng = np.random.default_rng(SEED + place)
    *_names, talent, quality = words.CITIES[place]
    agents = [agent.pk for team in people.teams if team.city_id == city_id for agent in people.agents[team.pk]]
    skills = np.clip(rng.normal(talent, 0.22, len(agents)), 0.4, 1.8)
    crew = history.Crew(agents, list(skills), quality)
    pools = {code: history.Pool(10**9) for code in loader.plan.campaigns}
    calls = {code: history.Calls() for code in loader.plan.campaigns}
    slots = history.agent_days(crew, today, at, rng)
    history.play(crew, slots, _choose(pools, today, has_trial=city_id == _foshan(people)), calls, _trend(today), rng)
    for code, pool in pools.items():
        spare = SPARE.get(code, 0) if code != "CARE-TRY" or city_id == _foshan(people) else 0
        loader.add_city(city_id, code, pool.leads, spare, calls[code], agents)


def _foshan(people: People) -> int:
    return next(city.pk for city in people.cities if city.code == "FS")


def _choose(
    pools: dict[str, history.Pool], today, *, has_trial: bool
) -> Callable[[float, int], tuple[str, history.Pool]]:
    """Which campaign an agent works on at a time: the old one first, both while they overlap, the trial by two agents."""
    begins = midnight(today).timestamp()
    running, ended, trial = (begins - back * history.DAY for back in (plan.RUNNING_SINCE, plan.ENDED, plan.TRIAL_SINCE))

    def choose(start: float, place: int) -> tuple[str, history.Pool]:
        if start < running or (start < ended and place % 2):
            code = "FAM-5G"
        elif has_trial and start >= trial and place >= 8:
            code = "CARE-TRY"
        else:
            code = "HOME-500"
        return code, pools[code]

    return choose


def _trend(today) -> Callable[[float], float]:
    """Success grows over the weeks, with a dip three weeks ago."""
    begins = midnight(today).timestamp()

    def trend(start: float) -> float:
        back = (begins - start) / history.DAY
        return 1.12 - back * 0.004 - (0.15 if 17 < back < 24 else 0)

    return trend


def write_accounts(people: People) -> Path:
    """Write the demo's log-ins beside the database, readable by its owner only."""
    target = Path(settings.TELEMKT_HOME) / "demo-accounts.json"
    draft = target.with_suffix(".new")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(people.accounts, file, ensure_ascii=False, indent=1)
    draft.replace(target)
    return target
