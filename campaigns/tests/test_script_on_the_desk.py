"""The desk leads where the script was written to lead: as in the editor, the preview, the map and the checks."""

from __future__ import annotations

import pytest

from campaigns.queries_script import TO_THE_END, script
from scripts import queries_versions
from scripts.models import ScriptBranch, ScriptQuestion, ScriptStep, ScriptVersion
from scripts.tests.factories import ScriptVersionFactory

pytestmark = pytest.mark.django_db


class Written:
    """A draft whose ending has two steps, the first written before (and placed before) a closing one."""

    def __init__(self, parts: tuple[str, ...] = ("opening", "ending", "closing", "ending")) -> None:
        self.version: ScriptVersion = ScriptVersionFactory()
        self.steps = [
            ScriptStep.objects.create(version=self.version, part=part, position=place, title=f"S{place}", text="say")
            for place, part in enumerate(parts, start=1)
        ]

    def asks(self, step: ScriptStep, kind: str, branches: dict[str, ScriptStep | None], **fields) -> ScriptQuestion:
        place = step.questions.count() + 1
        question = ScriptQuestion.objects.create(
            step=step, position=place, code=f"q{place}", text="?", kind=kind, choices=["yes", "no", "else"], **fields
        )
        for choice, target in branches.items():
            ScriptBranch.objects.create(question=question, choice=choice, target=target)
        return question

    def on_the_desk(self) -> dict[tuple[int, str], str]:
        """(question, answer) to where it leads; "" whatever comes next."""
        shown = [step for part in script(self.version.pk) for step in part.steps]
        return {(q.row.pk, c.text): c.to for step in shown for q in step.questions for c in q.choices}

    def in_the_flow(self) -> dict[tuple[int, str], str]:
        """The same as the editor's flow has it."""
        flow = queries_versions.flow_of(self.version)
        found = {(q.pk, choice): "" for step in flow.steps for q in step.questions for choice in q.choices}
        for step in flow.steps:
            for way in flow.ways(step):
                if way.question:
                    found[way.question.pk, way.answer] = str(way.to.pk) if way.to else TO_THE_END
        return found


def test_every_answer_leads_on_the_desk_where_the_flow_leads():
    written = Written()
    opening, ending, closing, second_ending = written.steps
    written.asks(opening, "choice", {"yes": closing, "no": None})
    written.asks(opening, "several", {"no": None, "else": second_ending}, is_required=True)
    written.asks(opening, "text", {"yes": closing})
    written.asks(opening, "choice", {"lost": closing})
    written.asks(closing, "choice", {"yes": opening, "no": None, "else": closing})
    written.asks(ending, "choice", {"yes": second_ending, "no": None})
    written.asks(second_ending, "several", {"yes": ending, "no": None})

    assert written.on_the_desk() == written.in_the_flow()


@pytest.mark.parametrize("kind", ["choice", "several"])
def test_an_answer_without_a_target_leads_to_the_first_step_of_the_ending_and_within_it_to_the_end(kind):
    written = Written()
    opening, ending, _closing, second_ending = written.steps
    before = written.asks(opening, kind, {"no": None})
    within = written.asks(second_ending, kind, {"no": None})

    to = written.on_the_desk()

    assert (to[before.pk, "no"], to[before.pk, "yes"]) == (str(ending.pk), "")
    assert to[within.pk, "no"] == TO_THE_END


def test_without_an_ending_part_it_is_the_end_of_the_script():
    written = Written(("opening", "closing"))
    asked = written.asks(written.steps[0], "choice", {"no": None})

    assert written.on_the_desk()[asked.pk, "no"] == TO_THE_END == written.in_the_flow()[asked.pk, "no"]
