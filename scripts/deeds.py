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
        "scripts.version.moved": _("Moved a version of a script on or back"),
    },
    named={"scripts.product", "scripts.offer", "scripts.script", "scripts.scriptversion"},
)

tell(
    {
        "scripts.article.written": _("Wrote an article"),
        "scripts.article.changed": _("Changed an article"),
        "scripts.article.confirmed": _("Found an article still right"),
        "scripts.article.retired": _("Retired an article"),
        "scripts.article.brought_back": _("Brought an article back"),
        "scripts.articlefile.added": _("Attached a file to an article"),
        "scripts.articlefile.removed": _("Removed a file from an article"),
        "scripts.quote.kept": _("Found that a script still fits a changed article"),
        "scripts.word.saved": _("Saved a prohibited word"),
        "scripts.word.removed": _("Removed a prohibited word"),
        "scripts.word.imported": _("Imported prohibited words"),
    },
    named={"scripts.article", "scripts.articlefile"},
)
