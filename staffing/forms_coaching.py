"""Forms of a coaching session: planning it, the words of both, moving it."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy as _

from core.templatetags.look import fixed, moment
from people.models import User
from qa.models import Clip, Evaluation, FormItem
from staffing.models import CoachingSession
from staffing.rules import is_time_of_session

STEPS = 4
PREPARED = 30  # offered of each kind, the newest
WHY = 200


class EvaluationsField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{moment(obj.call_started_at)} · {obj.version.form} · {fixed(obj.reported, 1)}"


class ClipsField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.title} · {obj.get_stage_display()}"


def _when(label: Any) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )


def _day(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label, required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


def _words(label: Any, help_text: Any = "") -> forms.CharField:
    return forms.CharField(label=label, max_length=4000, widget=forms.Textarea(attrs={"rows": 3}), help_text=help_text)


class AimField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj} · {obj.stage.version.form}"


def _aims(session: CoachingSession) -> Any:
    """Items of forms that calls are scored on now, and the one chosen already."""
    in_use = Q(stage__version__status="published") & ~Q(stage__version__form__purpose="recruiting")
    rows = FormItem.objects.filter(in_use | Q(pk=session.aim_id)).select_related("stage__version__form")
    return rows.order_by("stage__version__form__code", "stage__position", "position")


class TimedForm(forms.Form):
    """A time that a session can have: not years away by a slip of the hand."""

    planned_at = _when(_("Planned for"))

    def clean_planned_at(self) -> Any:
        at = self.cleaned_data["planned_at"]
        if not is_time_of_session(at, timezone.now()):
            raise forms.ValidationError(_("Choose a time within the last month or the next year."))
        return at


class SessionForm(TimedForm):
    evaluations = EvaluationsField(
        label=_("Evaluations to talk about"), queryset=None, required=False, widget=forms.CheckboxSelectMultiple
    )
    clips = ClipsField(
        label=_("Best calls to hear"), queryset=None, required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, coach: User, agent: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sheets = Evaluation.objects.visible_to(coach).submitted().filter(agent_id=agent.pk)
        newest = sheets.order_by("-call_started_at", "-pk").values("pk")[:PREPARED]
        shown = Evaluation.objects.filter(pk__in=[row["pk"] for row in newest]).select_related("version__form")
        clips = (
            Clip.objects.visible_to(coach).kept().order_by("-made_at", "-pk").values_list("pk", flat=True)[:PREPARED]
        )
        self.fields["evaluations"].queryset = shown.order_by("-call_started_at", "-pk")  # type: ignore[attr-defined]
        self.fields["clips"].queryset = Clip.objects.filter(pk__in=list(clips)).order_by("-made_at", "-pk")  # type: ignore[attr-defined]
        for name in ("evaluations", "clips"):
            if not self.fields[name].queryset.exists():  # type: ignore[attr-defined]
                del self.fields[name]  # nothing to choose from


class ViewForm(forms.Form):
    text = _words(_("How did the calls go, in your own words?"))


class WordsForm(forms.Form):
    good = _words(_("What was good"), _("Name the place in the call."))
    improve = _words(_("What to improve"), _("Name the place in the call, and why it matters."))
    expected = _words(_("What is expected"), _("So that both can tell whether it was done."))

    aim = AimField(
        label=_("Measured by"), queryset=None, required=False, empty_label=_("Success rate"),
        help_text=_("What both will see change: an item of a form, before and after the session."),
    )  # fmt: skip

    def __init__(self, *args: Any, session: CoachingSession, **kwargs: Any) -> None:
        said = list(session.steps.order_by("pk"))
        names = ("good", "improve", "expected", "aim", "next_on")
        initial: dict[str, Any] = {name: getattr(session, name) for name in names}
        for number, step in enumerate(said, start=1):
            initial |= {f"what_{number}": step.what, f"due_{number}": step.due_on}
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["aim"].queryset = _aims(session)  # type: ignore[attr-defined]
        for number in range(1, max(STEPS, len(said)) + 1):
            self.fields[f"what_{number}"] = forms.CharField(
                label=gettext("Step %(number)s") % {"number": number}, max_length=300, required=False
            )
            self.fields[f"due_{number}"] = _day(_("until"))
            # beside its step for the eye; for the ear it says of which step
            said_of = gettext("Step %(number)s, until") % {"number": number}
            self.fields[f"due_{number}"].widget.attrs["aria-label"] = said_of
        self.fields["next_on"] = _day(_("Next session"))

    def _numbers(self) -> list[str]:
        return [name.removeprefix("what_") for name in self.fields if name.startswith("what_")]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        for number in self._numbers():
            if (
                bool(said.get(f"what_{number}")) != bool(said.get(f"due_{number}"))
                and f"due_{number}" not in self.errors
            ):
                self.add_error(f"due_{number}", gettext("Each step has words and a date."))
        return said

    @property
    def word_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("good", "improve", "expected", "aim")]

    @property
    def step_fields(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"what_{n}"], self[f"due_{n}"]) for n in self._numbers()]

    @property
    def steps(self) -> list[tuple[str, date]]:
        said = self.cleaned_data
        return [(said[f"what_{n}"], said[f"due_{n}"]) for n in self._numbers() if said[f"what_{n}"]]


class MoveForm(TimedForm):
    why = forms.CharField(label=_("Why"), max_length=WHY)


class CancelForm(forms.Form):
    why = forms.CharField(label=_("Why"), max_length=WHY)
