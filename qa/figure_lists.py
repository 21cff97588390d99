"""Lists to which figures lead: what the address says that no filter in sight shows is told above the rows."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from campaigns.queries_calls import Names
from campaigns.views.calls import FactListing
from core.templatetags.look import day


class FigureListing(FactListing):
    """`names`: those of places and persons, told only where rows are: a number alone tells nobody a name."""

    def __init__(self, *args: Any, names: Names, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = names

    @cached_property
    def _said(self) -> dict[str, Any]:
        form = self.filterset.form
        return form.cleaned_data if form.is_valid() else {}

    @property
    def note(self) -> str:
        parts = [*self._groups(), *self._calls(), *self._counted()]
        return _("Only %(what)s.") % {"what": ", ".join(parts)} if parts and self.total else ""

    def _groups(self) -> list[str]:
        names, said = self.names, self._said
        known = {
            "of_city": lambda pk: names.cities.get(pk),
            "of_team": lambda pk: names.teams.get(pk),
            "of_agent": names.agent,
            "of_campaign": lambda pk: names.campaigns.get(pk),
        }
        return [str(known[key](int(said[key]))) for key in known if said.get(key)]

    def _calls(self) -> list[str]:
        first, last = self._said.get("called_since"), self._said.get("called_until")
        if not first or not last:
            return []
        return [_("about calls from %(first)s to %(last)s") % {"first": day(first), "last": day(last)}]

    def _counted(self) -> list[str]:
        words = {
            "complaints": [_("about answered outbound calls")],
            "customers": [_("about answered outbound calls"), _("one of each customer")],
        }
        return words.get(self._said.get("counted") or "", [])
