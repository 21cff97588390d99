"""The floors, also where import-linter cannot look: foreign keys named by strings, dependencies of migrations."""

import tomllib

import pytest
from django.apps import apps
from django.conf import settings
from django.db.migrations.loader import MigrationLoader

# Lowest first.
FLOORS = [*settings.LOCAL_APPS, "telemkt"]


@pytest.fixture(scope="module")
def contracts() -> dict[str, dict]:
    content = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["tool"]["importlinter"]
    return {"root": content, **{contract["id"]: contract for contract in content["contracts"]}}


def test_the_contract_lists_exactly_the_local_apps_from_top_to_bottom(contracts):
    assert contracts["floors"]["layers"] == FLOORS[::-1]
    assert set(contracts["root"]["root_packages"]) == set(FLOORS)


def test_the_contract_inside_apps_holds_for_all_but_the_lowest(contracts):
    assert set(contracts["inside"]["containers"]) == set(FLOORS) - {"core", "telemkt"}


def test_every_folder_with_an_app_is_a_local_app():
    folders = {path.parent.name for path in settings.BASE_DIR.glob("*/apps.py")}

    assert folders == set(FLOORS)


def points_up(low: str, high: str) -> bool:
    return low in FLOORS and high in FLOORS and FLOORS.index(high) > FLOORS.index(low)


def test_no_foreign_key_points_to_a_higher_floor():
    upward = [
        f"{model._meta.label}.{field.name} -> {field.related_model._meta.label}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if field.is_relation and not field.auto_created and field.related_model
        if points_up(model._meta.app_label, field.related_model._meta.app_label)
    ]

    assert upward == []


def test_no_migration_depends_on_a_higher_floor():
    migrations = MigrationLoader(None, ignore_no_migrations=True).disk_migrations.values()
    upward = [
        f"{migration.app_label}.{migration.name} -> {app}.{name}"
        for migration in migrations
        for app, name in [*migration.dependencies, *migration.run_before]
        if points_up(migration.app_label, app)
    ]

    assert upward == []


def test_pointing_up_is_noticed():
    assert points_up("core", "people")
    assert not points_up("people", "core")
    assert not points_up("people", "auth")
