"""The words of the audit trail for what happens to people and places."""

from django.utils.translation import gettext_lazy as _

from core.deeds import tell

tell(
    {
        "people.session.opened": _("Signed in"),
        "people.region.changed": _("Changed the region"),
        "people.city.created": _("Added a city"),
        "people.city.changed": _("Changed a city"),
        "people.city.switched": _("Switched a city on or off"),
        "people.team.created": _("Added a team"),
        "people.team.changed": _("Changed a team"),
        "people.role.given": _("Gave a role"),
        "people.role.ended": _("Ended a role"),
        "people.user.created": _("Made an account"),
        "people.user.changed": _("Changed a person"),
        "people.user.closed": _("Closed an account"),
        "people.user.opened": _("Opened an account"),
        "people.user.password_reset": _("Set a password"),
        "people.export.asked": _("Asked a second person for a file with personal data"),
        "people.export.decided": _("Decided on a file with personal data"),
        "people.token.made": _("Made a token for the API"),
        "people.token.revoked": _("Made a token for the API void"),
    },
    named={"people.region", "people.city", "people.team", "people.user", "people.membership"},
)
