"""Every part of the look in each of its states, on one page: to see that a change of a part breaks none of its uses."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

HOURS = [(9, 52, 54), (10, 76, 74), (11, 70, 75), (12, 21, 24), (13, 18, 27), (14, 71, 82), (15, 44, 55), (16, 0, 78)]
WEEKS = [
    ("W36", 6.02, 5.71, 6.35, 5.61),
    ("W37", 5.88, 5.57, 6.20, 5.72),
    ("W38", 6.11, 5.79, 6.44, 5.55),
    ("W39", 6.35, 6.03, 6.68, 5.80),
    ("W40", 4.90, 4.41, 5.44, 5.92),
    ("W41", 6.28, 5.95, 6.62, 5.77),
    ("W42", 6.44, 6.12, 6.77, 5.98),
]
CITIES = [
    ("Guangzhou", 6.80, 6.55, 7.06),
    ("Shenzhen", 7.10, 6.83, 7.38),
    ("Dongguan", 6.59, 6.25, 6.96),
    ("Foshan", 5.70, 5.36, 6.05),
    ("Yunfu", 4.57, 3.77, 5.53),
]


class KitForm(forms.Form):
    name = forms.CharField(label="Name of the list", initial="Foshan broadband, November")
    price = forms.DecimalField(
        label="Price per row",
        help_text="What the supplier bills.",
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),  # a number field would hide what was written wrong
        error_messages={"invalid": "Write the price with a point, such as 0.12."},
    )
    source = forms.ChoiceField(label="Source", choices=[("1", "Lingnan Data"), ("2", "Own shops")])
    scope = forms.ChoiceField(
        label="Compare with", choices=[("file", "this file"), ("pool", "everything stored")], widget=forms.RadioSelect
    )
    keep = forms.BooleanField(label="Keep the mapping", required=False)
    workbook = forms.FileField(label="Workbook", required=False)
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea(attrs={"rows": 2}))


def _parts(request: HttpRequest) -> dict[str, Any]:
    return {
        "now": timezone.now(),
        "form": KitForm({"price": "0,12", "name": "Foshan broadband, November", "source": "1", "scope": "pool"}),
        "page": Paginator(range(412), 9).get_page(request.GET.get("page")),
        "hours": HOURS,
        "weeks": WEEKS,
        "cities": CITIES,
        "series": [row[1] for row in WEEKS],
        "before": [row[4] for row in WEEKS],
        "steps": [
            {"name": _("Upload"), "small": "leads_nov.xlsx", "state": "done", "url": "?step=1"},
            {"name": _("Columns"), "small": "9 / 11", "state": "done", "url": "?step=2"},
            {"name": _("Check"), "small": "45,211", "state": "now", "url": "?step=3"},
            {"name": _("Result"), "small": "", "state": ""},
        ],
        "alerts": [
            {
                "level": "grave",
                "text": "Chancheng A: deals 29 % under expectation",
                "why": "41 against 58",
                "url": "#a",
                "action": "Call a boost",
            },
            {
                "level": "due",
                "text": "Callback 15:45 promised by Su Minyi, who is on break",
                "url": "#b",
                "action": "Hand over",
                "post": True,
            },
            {"level": "calm", "text": "List of 14 November used up", "done": "Released 15:20"},
        ],
        "tally": [
            {"label": "All rows", "n": 45211, "url": "?"},
            {"label": "New", "n": 38412, "url": "?v=new", "mark": "is-new"},
            {"label": "Update", "n": 3127, "url": "?v=update", "mark": "is-update"},
            {"label": "Suppressed", "n": 611, "url": "?v=stop", "mark": "is-stop"},
            {"label": "Invalid", "n": 749, "url": "?v=invalid", "mark": "is-invalid", "current": True},
        ],
        "tally_parts": [("is-new", 38412), ("is-update", 3127), ("is-stop", 611), ("is-invalid", 749)],
        "funnel": [
            {"label": "Callable now", "n": 1204, "go": True, "url": "#c"},
            {"label": "Cooling down", "n": 18420, "when": "next 15:55"},
            {"label": "Contact cap", "n": 6311, "when": "from 20 Nov"},
        ],
        "states": [("idle", _("Waiting")), ("talk", _("Talking")), ("wrap", _("After call")), ("away", _("Break"))],
        "ages": [(0, 18), (1, 140), (2, 291)],
        "colours": [f"v{n}" for n in range(1, 7)] + [f"q{n}" for n in range(1, 7)],
    }


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """The kit; ?part=live answers with the live panel alone, as a page's fragment does."""
    if not settings.DEBUG and not request.user.has_role("administrator"):
        raise Http404
    if request.GET.get("part") == "live":
        return render(request, "_kit_live.html", _parts(request))
    if request.GET.get("say"):
        messages.success(request, "Row 1102 repaired: new.")
        messages.error(request, "The list is locked by Huang Wanting until 15:50.")
    return render(request, "kit.html", _parts(request))
