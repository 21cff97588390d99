"""The words of the audit trail for what happens to products and scripts."""

from django.utils.translation import gettext_lazy as _

from core.deeds import tell

tell(
    {
        "scripts.product.saved": _("Saved a product"),
        "scripts.product.switched": _("Stopped selling a product or let it be sold again"),
        "scripts.offer.saved": _("Saved an offer"),
        "scripts.script.created": _("Added a script"),
        "scripts.version.drafted": _("Began a new version of a script"),
        "scripts.version.written": _("Wrote on a version of a script"),
        "scripts.version.approved": _("Approved a version of a script"),
        "scripts.version.discarded": _("Threw a draft of a script away"),
        "scripts.comment.made": _("Commented on a script"),
        "scripts.comment.settled": _("Settled a comment on a script"),
        "scripts.version.moved": _("Moved a version of a script on or back"),
        "scripts.objection.saved": _("Wrote an objection"),
        "scripts.objection.retired": _("Retired an objection"),
        "scripts.objection.revived": _("Brought an objection back"),
        "scripts.objection.answered": _("Wrote an answer to an objection"),
        "scripts.objection.answer_moved": _("Put an answer into use or out of it"),
        "scripts.phrase.saved": _("Wrote down a best phrase"),
        "scripts.phrase.retired": _("Retired a best phrase"),
        "scripts.phrase.revived": _("Brought a best phrase back"),
        "scripts.scenario.saved": _("Wrote a scenario"),
        "scripts.scenario.moved": _("Put a scenario into use or out of it"),
        "scripts.map.opened": _("Began a guidance map"),
        "scripts.map.written": _("Changed a guidance map"),
        "scripts.map.archived": _("Archived a guidance map"),
    },
    named={
        "scripts.product",
        "scripts.offer",
        "scripts.script",
        "scripts.scriptversion",
        "scripts.objection",
        "scripts.phrase",
        "scripts.scenario",
        "scripts.guidancemap",
    },
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
