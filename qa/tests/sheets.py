"""Forms and evaluations for tests, made by the services as people make them."""

from __future__ import annotations

from typing import Any

from campaigns.models import Call
from campaigns.tests.factories import AT
from people.models import User
from qa.models import Evaluation, FormItem, FormStage, FormVersion, QualityForm
from qa.services import evaluations, forms


def draft_of(by: User, code: str = "own") -> FormVersion:
    """Opening (60): greets, insults (fails on Yes); closing (40): asks for the order, thanks. Pass mark 80."""
    version = forms.create_form(form=QualityForm(code=code, name="Own", name_zh="自有"), by=by, at=AT)
    opening = forms.save_stage(version=version, stage=FormStage(name="Opening", weight=60), by=by)
    closing = forms.save_stage(version=version, stage=FormStage(name="Closing", weight=40), by=by)
    for stage, text, more in [
        (opening, "Greets", {}), (opening, "Insults", {"good": "no", "fails_on": "yes"}), (closing, "Asks for the order", {}), (closing, "Thanks", {}),
    ]:  # fmt: skip
        forms.save_item(version=version, item=FormItem(stage=stage, text=text, **more), by=by)
    return version


def form_of(by: User, code: str = "own") -> FormVersion:
    return forms.publish(version=draft_of(by, code), by=by, at=AT)


def item(version: FormVersion, text: str) -> FormItem:
    return FormItem.objects.get(stage__version=version, text=text)


GOOD = {"Greets": "yes", "Insults": "no", "Asks for the order": "yes", "Thanks": "yes"}


def evaluated(
    call: Call, version: FormVersion, scorer: User, *, at: Any = AT, told: dict[str, str] | None = None, **fields: Any
) -> Evaluation:
    """Submitted; "Asks for the order" is answered No unless told otherwise: 60 x 1 + 40 x 1/2 = 80. `told` answers other items otherwise."""
    begun = evaluations.begin(call=call, version=version, scorer=scorer, pick="requested", at=at, **fields)
    for text, answer in {**GOOD, "Asks for the order": "no", **(told or {})}.items():
        span = (1000, 1500) if begun.recording_id else None
        evaluations.save_answer(
            evaluation=begun, item=item(version, text), answer=answer, by=scorer, remark="as heard", span=span
        )
    return evaluations.submit(evaluation=begun, by=scorer, at=at)


# -- in points ---------------------------------------------------------------------------------------------------------


def draft_in_points(by: User, code: str = "points") -> FormVersion:
    """One stage: greets (Yes or No, weight 1), explains (0 to 5 points, weight 2, up to 1 fails the call), thanks (0 to 10 points)."""
    version = forms.create_form(form=QualityForm(code=code, name="Points"), by=by, at=AT)
    stage = forms.save_stage(version=version, stage=FormStage(name="Talk", weight=100), by=by)
    for text, more in [
        ("Greets", {"competency": "voice"}), ("Explains", {"most_points": 5, "weight": 2, "fails_up_to": 1, "competency": "voice"}), ("Thanks", {"most_points": 10}),
    ]:  # fmt: skip
        forms.save_item(version=version, item=FormItem(stage=stage, text=text, **more), by=by)
    return version


IN_POINTS = {"Greets": "yes", "Explains": "3", "Thanks": "na"}


def scored_in_points(
    call: Call, version: FormVersion, scorer: User, *, at: Any = AT, told: dict[str, str] | None = None
) -> Evaluation:
    """Submitted: (1 + 2 x 3/5) / 3 = 73.33 unless told otherwise."""
    begun = evaluations.begin(call=call, version=version, scorer=scorer, pick="requested", at=at)
    for text, answer in {**IN_POINTS, **(told or {})}.items():
        evaluations.save_answer(evaluation=begun, item=item(version, text), answer=answer, by=scorer, remark="as heard")
    return evaluations.submit(evaluation=begun, by=scorer, at=at)
