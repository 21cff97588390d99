"""How long the notes of coaching stay, and why."""

from django.utils.translation import gettext_lazy as _

from core.retention import register

COACHING = _("What was said and agreed in coaching stays as evidence of the agreement; both signed it and can read it.")
register("staffing.CoachingSession", fields=("own_view", "good", "improve", "expected", "change_why"), basis=COACHING)
register("staffing.CoachingStep", fields=("what",), basis=COACHING)
