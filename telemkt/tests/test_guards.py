"""What must hold for every page, every endpoint and every model, those that nobody has thought of yet included."""

import re
import uuid
from collections.abc import Iterator
from io import StringIO

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import models
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

# -- Strangers ---------------------------------------------------------------------------------------------------------

# Everything else asks who is there. A name comes in here only with a reason.
OPEN = {
    "healthz",  # load balancers; says "ok" or "down"
    "people:login",
    "qa:survey-answer",  # customers answer by a signed link; it tells nothing of them
    "people:account-language",  # the sign-in page can be read in both languages
}

SAMPLES = {"int": "1", "str": "x", "slug": "x", "path": "x", "uuid": str(uuid.UUID(int=1))}


def sample_path(pattern: URLPattern | URLResolver) -> str:
    """A path that this piece of the URL configuration answers to."""
    text = str(pattern.pattern)
    if isinstance(pattern.pattern, RoutePattern):
        return re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLES.get(found[1] or "str", "1"), text)
    text = re.sub(r"\(\?P<\w+>[^()]*(?:\([^()]*\))?[^()]*\)\??", "1", text)
    return text.replace("\\.", ".").strip("^$").replace("/?", "/")


def walk(resolver: URLResolver, prefix: str = "", spaces: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """(name, path) of every URL."""
    for pattern in resolver.url_patterns:
        path = prefix + sample_path(pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern, path, (*spaces, pattern.namespace) if pattern.namespace else spaces)
        else:
            yield ":".join([*spaces, pattern.name or pattern.lookup_str]), path


URLS = sorted(set(walk(get_resolver(), "/")))
CLOSED = [pytest.param(path, id=f"{name} {path}") for name, path in URLS if name not in OPEN]


def turned_away(response) -> bool:
    if response.status_code in {301, 302}:
        return response["Location"].startswith(("/login/", "/?next="))
    return response.status_code in {401, 403}


@pytest.mark.django_db
@pytest.mark.parametrize("path", CLOSED)
def test_every_url_turns_strangers_away(path):
    client = Client(enforce_csrf_checks=False)

    answers = {method: getattr(client, method)(path) for method in ("get", "post", "put", "patch", "delete")}

    let_in = {method: answer.status_code for method, answer in answers.items() if not turned_away(answer)}
    assert let_in in ({}, dict.fromkeys(let_in, 405)), let_in
    assert turned_away(answers["get"]) or turned_away(answers["post"])


def test_every_url_is_asked():
    assert len(URLS) > 20
    assert {"home", "api:schema", "api:docs"} <= {name for name, _ in URLS}


def test_every_open_url_exists_or_is_not_built_yet():
    names = {name for name, _ in URLS}

    assert {"healthz", "people:login"} <= names


# -- Scope -------------------------------------------------------------------------------------------------------------

PLACES = {"city", "city_id", "team", "team_id"}

# Rows that nobody lists by themselves: they are reached through the row that this field names, which is scoped.
PARTS = {
    "customers.StagedRow": "lead_list",
    "customers.RepairedRow": "repair",
    "customers.RowVerdict": "lead_list",
    "customers.Phone": "customer",
    "customers.CustomerTag": "customer",
    "customers.ConsentEvent": "pgh_obj",
    "customers.SuppressionEvent": "pgh_obj",
    "campaigns.StagedCall": "call_import",
    "campaigns.CallVerdict": "call_import",
    "qa.RecordingNote": "recording",
    "qa.Listening": "recording",
}
PLAIN_IDS = {"call_id": "campaigns.Call", "customer_id": "customers.Customer"}


def local_models() -> list[type[models.Model]]:
    return [model for app in settings.LOCAL_APPS for model in apps.get_app_config(app).get_models()]


def belongs_somewhere(model: type[models.Model]) -> bool:
    """It says in which city or team it lies, or whose row it is."""
    for field in model._meta.concrete_fields:
        target = field.related_model._meta.label if field.related_model else PLAIN_IDS.get(field.name, "")
        if field.name in PLACES or target == "customers.Customer":
            return True
    return False


def is_scoped(model: type[models.Model]) -> bool:
    return hasattr(model._default_manager, "visible_to")


SCOPED = [model for model in local_models() if belongs_somewhere(model)]


@pytest.mark.parametrize("model", [model for model in SCOPED if model._meta.label not in PARTS], ids=str)
def test_every_model_that_belongs_to_a_place_or_person_has_visible_to(model):
    assert is_scoped(model), f"{model._meta.label} needs visible_to(user), or an entry in PARTS"


@pytest.mark.parametrize("label", sorted(PARTS))
def test_every_part_hangs_on_a_row_that_is_scoped(label):
    model = apps.get_model(label)
    field = model._meta.get_field(PARTS[label])
    whole = field.related_model or apps.get_model(PLAIN_IDS[field.name])

    assert is_scoped(whole)


def test_models_with_a_place_are_found():
    assert {"people.Team", "campaigns.Lead", "customers.Customer"} <= {model._meta.label for model in SCOPED}


# -- Personal data, migrations -----------------------------------------------------------------------------------------


def test_every_field_with_personal_data_is_named_in_the_retention_policy():
    from core import retention

    assert retention.unnamed() == []


@pytest.mark.django_db
def test_no_migration_is_missing():
    out = StringIO()

    try:
        call_command("makemigrations", check=True, dry_run=True, stdout=out, verbosity=1)
    except SystemExit:
        pytest.fail(out.getvalue())
