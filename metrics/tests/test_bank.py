"""The full files of the bank through the real commands: every figure equals expected.json. `make bank DIR=...`."""

import json
import os
from datetime import date
from pathlib import Path

import pytest
from django.core.management import call_command

from metrics.tests.comparing import ours
from people.models import City, User
from people.tests.factories import UserFactory

pytestmark = [
    pytest.mark.bank,
    # before the database is asked for: only a run of its own has the seeds whole
    pytest.mark.skipif(
        not os.environ.get("BANK_DIR"), reason="make bank DIR=... names the folder with the files of the bank"
    ),
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]  # each finds the seeds of the migrations
SECTIONS = {
    "month": ("month", ()),
    "week": ("week", ()),
    "month_city": ("month", ("city",)),
    "month_agent": ("month", ("agent",)),
}
FILES = ("leads.xlsx", "calls.xlsx", "expected.json")
FIRST, LAST = date(2008, 1, 1), date(2010, 12, 31)


@pytest.fixture
def bank():
    folder = os.environ["BANK_DIR"]
    missing = [name for name in FILES if not (Path(folder) / name).is_file()]
    assert not missing, f"{', '.join(missing)} not found in {folder}"
    return Path(folder)


@pytest.mark.slow
def test_every_figure_equals_the_expected_ones(bank, tmp_path):
    administrator = UserFactory(role="administrator", username="bank")
    expected = json.loads((bank / "expected.json").read_text())

    call_command(
        "import_leads",
        str(bank / "leads.xlsx"),
        "--campaign=BANK-TD",
        "--source=bank",
        f"--user={administrator.username}",
        "--create",
    )
    call_command("import_calls", str(bank / "calls.xlsx"), f"--user={administrator.username}", "--create")
    call_command("rollup")

    names = {
        "city": dict(City.objects.values_list("pk", "name")),
        "agent": dict(User.objects.values_list("pk", "code")),
    }
    wanted = list(expected["all"])
    assert ours(FIRST, LAST, "total", (), names, wanted) == {"total": expected["all"]}
    for section, (grain, by) in SECTIONS.items():
        found = ours(FIRST, LAST, grain, by, names, wanted)
        assert found.keys() == expected[section].keys(), section
        assert {key: one for key, one in found.items() if one != expected[section][key]} == {}, section
    _check_files(expected, tmp_path)


def _check_files(expected, tmp_path):
    """The command that writes files says the same."""
    out = tmp_path / "month_agent.json"
    call_command("export_indicators", f"--from={FIRST}", f"--to={LAST}", "--grain=month", "--by=agent", f"--out={out}")
    for row in json.loads(out.read_text()):
        figures = expected["month_agent"][f"{row['period']} {row['agent']}"]
        assert {name: round(row[name], 4) if isinstance(row[name], float) else row[name] for name in figures} == figures
