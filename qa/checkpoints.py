"""The lists of checkpoints 1 and 2: which items, who fills them, and the words for what the machine saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _, gettext_lazy

from campaigns.models import Campaign
from qa.models import GateReviewItem
from scripts import checks

Kind, Result, Stage = GateReviewItem.Kind, GateReviewItem.Result, Campaign.Stage
OF_CALLS = ("listened", "answers")  # items whose words tell of calls
NAMED = 5  # so many of what was found are kept by name


@dataclass(frozen=True)
class Item:
    key: str
    kind: str
    label: Any


def _machine(key: str, label: Any) -> Item:
    return Item(key, Kind.MACHINE, label)


def _by_qa(key: str, label: Any) -> Item:
    return Item(key, Kind.QA, label)


# keys are stored; the order is that of domain.md, section 6
LISTS: dict[str, tuple[Item, ...]] = {
    Stage.TRIAL: (
        _machine("script", gettext_lazy("A script version is chosen and approved")),
        _machine("parts", gettext_lazy("The six parts are all there, and every way leads to the ending")),
        _machine("must_say", gettext_lazy("Every must-say point is covered")),
        _machine("prohibited", gettext_lazy("No prohibited words")),
        _machine("knowledge", gettext_lazy("Quoted knowledge is up to date")),
        _by_qa("request", gettext_lazy("Type and requirements match what was asked")),
        _by_qa("product_text", gettext_lazy("The product text agrees with the knowledge base")),
        _by_qa("risks_listed", gettext_lazy("Complaint risks are listed")),
    ),
    Stage.RUNNING: (
        _machine("script", gettext_lazy("A script version is chosen and approved")),
        _machine("listened", gettext_lazy("All trial recordings are listened to")),
        _machine("knowledge", gettext_lazy("Quoted knowledge is up to date")),
        _machine("map", gettext_lazy("The guidance map is drawn")),
        _machine("answers", gettext_lazy("Answers to clustered refusals are written")),
        _by_qa("refusals", gettext_lazy("Refusals were gone through step by step")),
        _by_qa("risks_again", gettext_lazy("Complaint risks were looked at again, also against what changed")),
        _by_qa("phrases", gettext_lazy("Best phrases are shared with the agents")),
    ),
}
LABELS = {(stage, item.key): item.label for stage, items in LISTS.items() for item in items}


def label(stage: str, key: str) -> str:
    return str(LABELS.get((stage, key), key))


def sentences(key: str, found: Mapping[str, Any]) -> list[str]:
    """What the machine saw, in the reader's language."""
    return [*_SAYS[key](found)] if found and key in _SAYS else []


def _script(found: Mapping[str, Any]) -> list[str]:
    if not found.get("version"):
        return [_("No script version is chosen.")]
    told = {"script": found["script"], "number": found["number"], "status": _status(found["status"])}
    return [_("%(script)s, version %(number)s: %(status)s.") % told]


def _status(value: str) -> str:
    from scripts.models import ScriptVersion

    return str(ScriptVersion.Status(value).label)


def _findings(found: Mapping[str, Any]) -> list[str]:
    if "count" not in found:
        return [_("No script version is chosen.")]
    said = [
        str(checks.SENTENCES[checks.Kind(kind)]) % {"step": step, "what": what} for kind, step, what in found["said"]
    ]
    return _and_more(said, found["count"]) or [_("Nothing found.")]


def _and_more(said: list[str], count: int) -> list[str]:
    return [*said, _("and %(n)s more") % {"n": count - len(said)}] if count > len(said) else said


def _knowledge(found: Mapping[str, Any]) -> list[str]:
    said = _findings(found)
    if found.get("changed"):
        names = ", ".join(_("“%(title)s”") % {"title": title} for title in found["changed"])
        said.append(_("Changed since checkpoint 1 and looked at: %(names)s.") % {"names": names})
    return said


def _listened(found: Mapping[str, Any]) -> list[str]:
    if not found["recordings"]:
        return [_("No trial call has a recording yet.")]
    told = {"done": found["done"], "of": found["recordings"], "calls": found["calls"]}
    said = [_("%(done)s of %(of)s recorded trial calls are scored; %(calls)s trial calls in all.") % told]
    if found["unqueued"]:
        said.append(_("%(n)s recordings are not queued yet: look again.") % {"n": found["unqueued"]})
    return said


def _map(found: Mapping[str, Any]) -> list[str]:
    if not found["map"]:
        return [_("The campaign has no guidance map yet.")]
    return [_("%(title)s: %(n)s cards.") % {"title": found["title"], "n": found["cards"]}]


def _answers(found: Mapping[str, Any]) -> list[str]:
    said = [_("%(reason)s (%(n)s calls)") % {"reason": reason, "n": n} for reason, n in found["waiting"]]
    told = {"n": found["count"], "of": found["clusters"]}
    first = _("%(n)s of %(of)s clusters of refusals have no answer yet.") % told
    return [first, *_and_more(said, found["count"])]


_SAYS = {
    "script": _script,
    "parts": _findings,
    "must_say": _findings,
    "prohibited": _findings,
    "knowledge": _knowledge,
    "listened": _listened,
    "map": _map,
    "answers": _answers,
}
