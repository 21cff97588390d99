"""A script with branches, questions, objections and a scenario, for tests of the middle of the desk."""

from __future__ import annotations

from campaigns.models import Campaign
from people.models import User
from scripts.models import (
    Article,
    Objection,
    ObjectionAnswer,
    Product,
    Scenario,
    ScriptBranch,
    ScriptQuestion,
    ScriptStep,
    StepObjection,
    StepQuote,
)
from scripts.tests.factories import ScriptFactory, ScriptVersionFactory, moved, unlocked


class Guided:
    """Three steps: greet (agrees: to the price, refuses: to the ending), price (required: how dear), thanks (required: which day)."""

    def __init__(self, product: Product) -> None:
        self.version = ScriptVersionFactory(script=ScriptFactory(product=product))
        self.greet = self._step("opening", 1, "Greet", must_say="Calls are recorded")
        self.price = self._step("persuasion", 2, "Price", must_say="Contract 24 months\nPrice 149")
        self.thanks = self._step("ending", 3, "Thanks")
        self.agrees = self._question(self.greet, "agrees", ["Yes", "No", "Perhaps"])
        self.dear = self._question(self.price, "dear", ["Dear", "Fair"], is_required=True)
        self.day = self._question(self.thanks, "day", [], kind="text", is_required=True)
        ScriptBranch.objects.create(question=self.agrees, choice="Yes", target=self.price)
        ScriptBranch.objects.create(question=self.agrees, choice="No", target=None)

    def _step(self, part: str, position: int, title: str, **fields) -> ScriptStep:
        return ScriptStep.objects.create(
            version=self.version,
            part=part,
            position=position,
            title=title,
            text=f"{title}, {{name|customer}}",
            **fields,
        )

    def _question(self, step: ScriptStep, code: str, choices: list[str], **fields) -> ScriptQuestion:
        return ScriptQuestion.objects.create(
            step=step, position=1, code=code, text=f"What about {code}?", choices=choices, **fields
        )

    def goes_live(self, campaign: Campaign) -> Guided:
        moved(self.version, "live")
        Campaign.objects.filter(pk=campaign.pk).update(script=self.version.script, script_version=self.version)
        campaign.refresh_from_db()
        return self

    def path(self, *visits: tuple[ScriptStep | None, int]) -> list[list[int]]:
        """[[step, seconds ago], ...]; None is the end."""
        return [[step.pk if step else 0, ago] for step, ago in visits]


def answer_to(
    text: str, *, by: User, product: Product | None = None, search: str = "", status: str = "in_use"
) -> ObjectionAnswer:
    objection = Objection.objects.create(text=text, product=product, search=search, created_by=by)
    return ObjectionAnswer.objects.create(objection=objection, text=f"Answer to {text}", status=status, written_by=by)


def at_hand(step: ScriptStep, answer: ObjectionAnswer, article: Article | None = None) -> None:
    """Links stand with the text of a version: also one in force is given them here."""
    with unlocked():
        StepObjection.objects.create(step=step, objection=answer.objection)
        if article is not None:
            StepQuote.objects.create(step=step, article=article, article_version=article.number)


def scenario(product: Product, name: str, *, by: User, **fields) -> Scenario:
    return Scenario.objects.create(
        product=product, name=name, **{"picture": "{name|You} at home", "status": "in_use", "written_by": by, **fields}
    )
