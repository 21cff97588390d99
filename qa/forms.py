"""What people enter about recordings, forms and evaluations."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from campaigns.models import Call
from people.models import User
from qa import rules
from qa.models import Clip, Evaluation, FormItem, FormStage, FormVersion, QualityForm
from qa.models.forms import ANSWERS, POINT_CHOICES
from qa.sound.limits import MOST_SECONDS
from scripts.models import Article, Objection, Product

LATEST = MOST_SECONDS * 1000


def _text_file(*, required: bool) -> forms.FileField:
    return forms.FileField(
        label=_("Text of the call"),
        help_text=_("JSON: segments, each with speaker (agent or customer), start and end in seconds, and text."),
        required=required,
        allow_empty_file=True,  # the service says what is wrong with it
        widget=forms.ClearableFileInput(attrs={"accept": ".json,application/json"}),
    )


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("Recording"),
        help_text=_("WAV, MP3 or Opus, mono or stereo; at most 200 MB and 3 hours."),
        allow_empty_file=True,  # the service says what is wrong with it
        widget=forms.ClearableFileInput(attrs={"accept": ".wav,.mp3,.opus,.ogg,audio/*"}),
    )
    transcript = _text_file(required=False)


class TranscriptForm(forms.Form):
    transcript = _text_file(required=True)


class NoteForm(forms.Form):
    """Milliseconds, as the player has them."""

    from_ms = forms.IntegerField(min_value=0, max_value=LATEST, widget=forms.HiddenInput())
    until_ms = forms.IntegerField(min_value=1, max_value=LATEST, required=False, widget=forms.HiddenInput())
    text = forms.CharField(label=_("Remark"), max_length=1000, required=False, widget=forms.TextInput())


class ClipForm(forms.Form):
    from_ms = forms.IntegerField(min_value=0, max_value=LATEST, widget=forms.HiddenInput())
    until_ms = forms.IntegerField(min_value=1, max_value=LATEST, widget=forms.HiddenInput())
    title = forms.CharField(label=_("What is good about it"), max_length=120)
    stage = forms.ChoiceField(label=_("Stage"), choices=Clip.Stage.choices)
    objection = forms.ModelChoiceField(
        label=_("Objection"), queryset=Objection.objects.none(), required=False, empty_label=_("none")
    )
    consent = forms.ChoiceField(label=pgettext_lazy("of a recording", "Consent"), choices=Clip.Consent.choices)
    keep_days = forms.TypedChoiceField(
        label=_("Kept for"),
        coerce=int,
        choices=[(90, _("90 days")), (365, _("1 year")), (730, _("2 years"))],
        initial=365,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["objection"].queryset = Objection.objects.filter(retired_at=None).order_by("text")  # type: ignore[attr-defined]


class KeepRuleForm(forms.Form):
    """Entered again for the same product and calls, it replaces what was there."""

    product = forms.ModelChoiceField(
        label=_("Product"), queryset=Product.objects.none(), required=False, empty_label=_("every product")
    )
    of_sales = forms.BooleanField(label=_("Only calls with a sale"), required=False)
    days = forms.IntegerField(
        label=_("Kept for, days"),
        min_value=1,
        max_value=7300,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 5}),
    )
    is_duty = forms.BooleanField(label=_("Must be kept, also when the person asks to be erased"), required=False)
    basis = forms.CharField(label=_("Basis"), max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["product"].queryset = Product.objects.order_by("name")  # type: ignore[attr-defined]


# -- forms for scoring -------------------------------------------------------------------------------------------------
# What is wrong with a field is said by the service, in one sentence with its name.


def _weight() -> forms.TextInput:
    return forms.TextInput(attrs={"inputmode": "decimal", "size": 5})


class QualityFormForm(forms.ModelForm):
    class Meta:
        model = QualityForm
        fields = ("name", "name_zh", "code", "purpose")


class MarksForm(forms.ModelForm):
    class Meta:
        model = FormVersion
        fields = ("pass_mark", "fail_reports_zero")
        widgets = {"pass_mark": _weight()}


class StageForm(forms.ModelForm):
    class Meta:
        model = FormStage
        fields = ("name", "name_zh", "weight")
        widgets = {"weight": _weight()}


class ItemForm(forms.ModelForm):
    """The article is entered by its title, which the page offers: a list of all of them at every item would be most of the page. What is of
    the other kind of answer is left out, as by the service."""

    article = forms.CharField(
        label=_("Article of the knowledge base"),
        max_length=160,
        required=False,
        widget=forms.TextInput(attrs={"list": "articles-at-hand"}),
    )

    class Meta:
        model = FormItem
        fields = (
            "text", "text_zh", "weight", "most_points", "good", "fails_on", "fails_up_to", "competency", "script_part", "clause", "help", "help_zh",
        )  # fmt: skip
        widgets = {
            "weight": _weight(),
            "fails_up_to": forms.TextInput(attrs={"inputmode": "numeric", "size": 3}),
            "help": forms.Textarea(attrs={"rows": 2}),
            "help_zh": forms.Textarea(attrs={"rows": 2}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["article"] = str(self.instance.article or "")
        self.fields["most_points"].choices = [("", _("Yes or No")), *POINT_CHOICES]  # type: ignore[attr-defined]

    def clean_article(self) -> str:
        title, now = self.cleaned_data["article"].strip(), self.instance.article
        if now is None or title != now.title:
            found = list(Article.objects.live().filter(title=title)[:2]) if title else [None]
            if not found and now is not None and title == self.data.get("article_drawn", "").strip():
                return title  # it was renamed, or put away, since the row was drawn
            if not found:
                raise forms.ValidationError(_("Choose one of the articles that are offered."))
            if len(found) > 1:
                sentence = _("More than one article is called “%(title)s”. Give them different titles.")
                raise forms.ValidationError(sentence, params={"title": title})
            self.instance.article = found[0]
        return title

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        most, bound = cleaned.get("most_points"), cleaned.get("fails_up_to")
        if most is None:
            cleaned["fails_up_to"] = None
            if cleaned.get("good") and cleaned.get("good") == cleaned.get("fails_on"):
                self.add_error("fails_on", _("The good answer cannot be the one that fails the call."))
        else:
            cleaned["good"], cleaned["fails_on"] = FormItem.Good.YES, FormItem.FailsOn.NEVER
            if bound is not None and bound >= most:
                self.add_error("fails_up_to", _("Full points cannot fail the call."))
        return cleaned


# -- evaluations -------------------------------------------------------------------------------------------------------


class BeginForm(forms.Form):
    """Score a call: with which form in force, and why this call."""

    version = forms.ModelChoiceField(label=_("Form"), queryset=FormVersion.objects.none(), empty_label=None)
    pick = forms.ChoiceField(label=_("Why this call"), choices=Evaluation.Pick.choices)

    def __init__(self, *args: Any, user: User, call: Call | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = FormVersion.objects.published().select_related("form").exclude(form__purpose="recruiting")
        self.fields["version"].queryset = versions.order_by("form__code")  # type: ignore[attr-defined]
        picks = rules.picks_of(user, call)
        self.fields["pick"].choices = [(pick, Evaluation.Pick(pick).label) for pick in picks]  # type: ignore[attr-defined]


class AnswerForm(forms.Form):
    """One item. Milliseconds, as the player has them; without `answer` the one given before stays."""

    answer = forms.ChoiceField(choices=ANSWERS, required=False)
    remark = forms.CharField(max_length=500, required=False)
    from_ms = forms.IntegerField(min_value=0, max_value=LATEST, required=False)
    until_ms = forms.IntegerField(min_value=1, max_value=LATEST, required=False)
    saves = forms.IntegerField(min_value=0, required=False)


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))


class DecideForm(forms.Form):
    right_answer = forms.ChoiceField(label=_("Right answer"), choices=ANSWERS)
    ground = forms.CharField(label=_("Why"), max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))
