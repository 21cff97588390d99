"""Web input for articles and prohibited words."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.filters import DayInput
from people.models import Membership, User
from scripts import queries_knowledge as queries, rules
from scripts.models import Article, Product, ProhibitedWord
from scripts.services_knowledge import ArticleText

UNTIL_REVIEW = timedelta(days=180)
MOST_LETTERS = 40_000


def writers(today: date, besides: int | None = None) -> QuerySet[User]:
    """Who may own an article: those who may write articles on that day, and who owns it already."""
    roles = [*rules.WRITERS, rules.Role.QA, rules.Role.TRAINER]
    today_in = Membership.objects.valid_on(today).filter(role__in=roles).values("user")
    return User.objects.filter(Q(pk__in=today_in, is_active=True) | Q(pk=besides)).order_by("display_name", "username")


class ArticleForm(forms.ModelForm):
    """`based_on`: the version the writer began from, so that two writers do not undo each other."""

    what_changed = forms.CharField(
        label=_("What changed"),
        max_length=300,
        required=False,
        help_text=_("For those who quote the article; needed when title or text change."),
    )
    based_on = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1)

    class Meta:
        model = Article
        fields = ("category", "title", "text", "products", "owner", "review_on")
        widgets = {
            "text": forms.Textarea(attrs={"rows": 16}),
            "products": forms.CheckboxSelectMultiple,
            "review_on": DayInput(),
        }
        help_texts = {
            "text": _("Headings begin with #, points with -, numbered steps with 1. An empty line begins a paragraph.")
        }

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_new = self.instance.pk is None
        today = timezone.localdate()
        self.fields["owner"].queryset = writers(today, self.instance.owner_id)
        self.fields["products"].queryset = Product.objects.order_by("name")
        self.fields["text"].required = True
        self.fields["text"].max_length = MOST_LETTERS
        if self.is_new:
            del self.fields["what_changed"], self.fields["based_on"]
            self.initial.setdefault("owner", user.pk)
            self.initial.setdefault("review_on", today + UNTIL_REVIEW)
        else:
            self.before = (self.instance.title, self.instance.text)
            self.initial["based_on"] = self.instance.number

    def clean_text(self) -> str:
        """Line ends as the database keeps them, so that a form sent back unchanged makes no version."""
        text = "\n".join(line.rstrip() for line in self.cleaned_data["text"].splitlines()).strip()
        if len(text) > MOST_LETTERS:
            raise forms.ValidationError(
                _("The text is longer than %(most)s characters. Make two articles of it."),
                params={"most": MOST_LETTERS},
            )
        return text

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        is_other = not self.is_new and (values.get("title"), values.get("text")) != self.before
        if is_other and not self.errors and not values.get("what_changed"):
            self.add_error("what_changed", _("Say in a few words what is different."))
        return values

    def written(self) -> ArticleText:
        values = self.cleaned_data
        return ArticleText(
            category=values["category"], title=values["title"], text=values["text"], owner=values["owner"],
            review_on=values["review_on"], products=values["products"],
        )  # fmt: skip


class ConfirmForm(forms.Form):
    review_on = forms.DateField(label=_("Next review"), widget=DayInput())


class FileForm(forms.Form):
    file = forms.FileField(
        label=_("File"), help_text=_("PDF, picture (PNG, JPEG) or Office file (docx, xlsx, pptx), up to 20 MB.")
    )


class WordForm(forms.ModelForm):
    class Meta:
        model = ProhibitedWord
        fields = ("word", "why")

    def clean_word(self) -> str:
        return str(self.cleaned_data["word"]).strip()


class RemoveWordForm(forms.Form):
    reason = forms.CharField(label=_("Why may it be said again?"), max_length=200)


class ImportWordsForm(forms.Form):
    lines = forms.CharField(
        label=_("Words"),
        max_length=400_000,
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text=_("One a line. Behind a bar (|) or a tab the reason, as two columns copied from a sheet."),
    )


class ArticleFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(
        label=_("Search"),
        method="by_words",
        widget=forms.TextInput(attrs={"type": "search", "size": 18, "maxlength": 80}),
    )
    category = django_filters.ChoiceFilter(label=_("Category"), choices=Article.Category.choices, empty_label=_("all"))
    product = django_filters.ModelChoiceFilter(
        label=_("Product"), queryset=Product.objects.order_by("name"), field_name="products", empty_label=_("all")
    )
    review = django_filters.ChoiceFilter(
        label=_("Review"),
        choices=[("due", _("due")), ("mine", _("due, mine"))],
        empty_label=_("all"),
        method="by_review",
    )
    state = django_filters.ChoiceFilter(
        label=_("State"), choices=[("retired", _("retired"))], empty_label=_("in use"), method="by_state"
    )

    class Meta:
        model = Article
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.request is None or not rules.can_write_articles(self.request.user):
            del self.filters["state"]

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        """Retired ones are found only when asked for, by those who may bring them back."""
        if not self.form.cleaned_data.get("state"):
            queryset = queryset.live()
        return super().filter_queryset(queryset)

    def by_words(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return queries.searched(rows, value)

    def by_review(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        due = rows.due(timezone.localdate())
        return due.filter(owner=self.request.user) if value == "mine" else due

    def by_state(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.exclude(retired_at=None)
