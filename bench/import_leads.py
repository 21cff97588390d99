"""Import of a list of 200,000 rows into a pool of 1,000,000, against calamine's bare read plus COPY of the same rows."""

from __future__ import annotations

import csv
import io
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection

from bench.figures import Figure

ROWS = int(os.environ.get("BENCH_ROWS", "200000"))
POOL = int(os.environ.get("BENCH_POOL", "1000000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "2"))
LEADS = Path(os.environ.get("BANK_DIR", "../shared/data/bank")) / "leads.xlsx"
MEMORY_MB = 500

SEED = """
INSERT INTO people_zone (name) VALUES ('Asia/Shanghai') ON CONFLICT DO NOTHING;
INSERT INTO people_city (code, name, name_zh, zone_id, is_on)
    SELECT lower(n), n, '', (SELECT id FROM people_zone LIMIT 1), true FROM unnest(ARRAY['Guangzhou', 'Shenzhen', 'Dongguan', 'Foshan', 'Zhuhai', 'Huizhou']) n;
INSERT INTO customers_customer (city_id, external_id, name, name_sort, type, gender, attributes, is_suppressed, created_at, updated_at)
    SELECT (SELECT min(id) FROM people_city), '', '', '', '', '', '{}', false, now(), now() FROM generate_series(1, %(pool)s);
INSERT INTO customers_phone (customer_id, blind_index, sealed, mask, prefix, is_primary, is_dead, created_at)
    SELECT id, decode(md5('pool' || id), 'hex'), '\\x00', '', '', true, false, now() FROM customers_customer;
INSERT INTO customers_suppression (phone_blind, kind, valid_from, note, source, created_at, lift_reason)
    SELECT decode(md5('not' || i), 'hex'), 'register', now() - interval '1 day', '', '', now(), '' FROM generate_series(1, %(pool)s / 10) i;
"""


@contextmanager
def own_database() -> Iterator[None]:
    """A database of its own beside the real one, gone afterwards."""
    connection.settings_dict["TEST"]["NAME"] = "telemkt_bench_lists"
    before = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(before, verbosity=0)


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, own_database():
        _seed()
        path = Path(folder) / "list.xlsx"
        rounds = []
        for number in range(ROUNDS):
            make_workbook(path, number)
            rounds.append(_pipeline(path, number) | _floor(path))
    return _figures(rounds)


def _figures(rounds: list[dict[str, float]]) -> list[Figure]:
    """The fastest of each step: what disturbs a step on a shared machine only makes it slower."""
    best = {step: min(r[step] for r in rounds) for step in rounds[0]}
    floor = best["read"] + best["copy"]
    words = f"floor {floor:.1f} s (read {best['read']:.1f}, COPY {best['copy']:.1f})"
    verdict, commit = best["receive"] + best["check"], best["receive"] + best["check"] + best["commit"]
    memory = max(r["child_mb"] for r in rounds), max(r["own_mb"] for r in rounds)
    return [
        Figure(
            f"{ROWS:,} rows to the last verdict",
            verdict,
            "s",
            verdict / floor,
            words,
            "at most 2 times",
            verdict <= 2 * floor,
        ),
        Figure(
            f"{ROWS:,} rows to the commit", commit, "s", commit / floor, words, "at most 3 times", commit <= 3 * floor
        ),
        Figure("  of it: examine and store the file", best["receive"], "s"),
        Figure("  of it: read, clean, seal, COPY, judge", best["check"], "s"),
        Figure("  of it: commit", best["commit"], "s"),
        Figure(
            "peak memory of the reading process", memory[0], "MB", None, "", f"under {MEMORY_MB}", memory[0] < MEMORY_MB
        ),
        Figure("peak memory of the worker", memory[1], "MB", None, "", f"under {MEMORY_MB}", memory[1] < MEMORY_MB),
    ]


def _seed() -> None:
    with connection.cursor() as cursor:
        cursor.execute(SEED.replace("%(pool)s", str(POOL)))
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


# -- the file ----------------------------------------------------------------------------------------------------------


def make_workbook(path: Path, number: int) -> None:
    """The bank's rows again and again with other numbers; rows that look like them when the bank is not there."""
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet("leads")
    heads, rows = _bank() if LEADS.exists() else _alike()
    sheet.write_row(0, 0, heads)
    phone, external_id = heads.index("phone"), heads.index("external_id")
    for index in range(ROWS):
        row = list(rows[index % len(rows)])
        row[phone] = f"1{99 - number}{index:08d}"
        row[external_id] = f"BENCH-{number}-{index:07d}"
        sheet.write_row(index + 1, 0, row)
    book.close()


def _bank() -> tuple[list[str], list[list[Any]]]:
    from python_calamine import CalamineWorkbook

    heads, *rows = CalamineWorkbook.from_path(LEADS).get_sheet_by_index(0).iter_rows()
    return [str(head) for head in heads], rows


def _alike() -> tuple[list[str], list[list[Any]]]:
    heads = ["external_id", "name", "phone", "city", "age", "job", "marital", "education", "default", "balance", "housing", "loan", "contact", "pdays", "previous", "poutcome"]  # fmt: skip
    cities = ["Guangzhou", "Shenzhen", "Dongguan", "Foshan", "Zhuhai", "Huizhou"]
    jobs = ["management", "technician", "entrepreneur", "retired", "services", "student"]
    rows = [
        ["", "王李张刘陈杨"[i % 6] + "伟芳娜敏静强"[i // 6 % 6], "", cities[i % 6], 20 + i % 60, jobs[i % 6], "married", "secondary", "no", i * 7 % 5000,
         "yes", "no", "unknown", -1, i % 4, "unknown"]
        for i in range(5_000)
    ]  # fmt: skip
    return heads, rows


# -- what is measured --------------------------------------------------------------------------------------------------


def _pipeline(path: Path, number: int) -> dict[str, float]:
    from core.clock import database_now
    from core.jobs import run_inline
    from customers.models import LeadList, Source
    from customers.services import list_receiving, lists

    user, (source, _new) = _user(), Source.objects.get_or_create(name="bench")
    times = {}
    started = time.perf_counter()
    with path.open("rb") as file:
        lead_list = list_receiving.receive_list(
            file=file, file_name="list.xlsx", name=f"bench {number}", source=source, city=None, consent_basis="bench", by=user, at=database_now(), make_cities=True,
        )  # fmt: skip
    times["receive"] = time.perf_counter() - started
    started = time.perf_counter()
    run_inline(lead_list.job_id or 0)
    times["check"] = time.perf_counter() - started
    started = time.perf_counter()
    run_inline(lists.commit_list(lead_list=lead_list, by=user, at=database_now()).pk)
    times["commit"] = time.perf_counter() - started
    lead_list.refresh_from_db()
    assert lead_list.status == LeadList.Status.COMMITTED, lead_list.status
    assert lead_list.counts == {"new": ROWS}, lead_list.counts  # nothing was measured that was not done
    # of the first round: later ones inherit what the floor took, since a process is counted with what its parent held when it was started
    for name, whose in (("child_mb", resource.RUSAGE_CHILDREN), ("own_mb", resource.RUSAGE_SELF)):
        times[name] = resource.getrusage(whose).ru_maxrss / 1024 if number == 0 else 0
    return times


def _user() -> Any:
    from people.models import User

    return User.objects.get_or_create(username="bench", defaults={"is_superuser": True})[0]


def _floor(path: Path) -> dict[str, float]:
    """What nobody can be faster than: the file read by calamine, its rows written as CSV by the standard library, so that no cell breaks
    the stream, and sent by COPY into a table without index."""
    from python_calamine import CalamineWorkbook

    started = time.perf_counter()
    heads, *rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    read = time.perf_counter() - started
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_raw")
        cursor.execute(f"CREATE TABLE bench_raw ({', '.join(f'c{i} text' for i in range(len(heads)))})")
        started = time.perf_counter()
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        cursor.copy_expert("COPY bench_raw FROM STDIN (FORMAT csv)", io.BytesIO(text.getvalue().encode()), 1 << 18)
        return {"read": read, "copy": time.perf_counter() - started}
