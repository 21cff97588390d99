"""The words of the audit trail for what happens to products and scripts."""

from django.utils.translation import gettext_lazy as _

from core.deeds import tell

tell(
    {
        "scripts.product.saved": _("Saved a product"),
        "scripts.offer.saved": _("Saved an offer"),
        "scripts.script.created": _("Added a script"),
        "scripts.version.drafted": _("Began a new version of a script"),
        "scripts.version.written": _("Wrote on a version of a script"),
        "scripts.version.approved": _("Approved a version of a script"),
        "scripts.version.discarded": _("Threw a draft of a script away"),
        "scripts.comment.made": _("Commented on a script"),
        "scripts.comment.settled": _("Settled a comment on a script"),
        "scripts.version.moved": _("Moved a version of a script on or back"),
    },
    named={"scripts.product", "scripts.offer", "scripts.script", "scripts.scriptversion"},
)
