"""Addresses of customers, suppressions, sources and rules of contact; customers.urls takes them up."""

from django.urls import path

from customers.views import contact_rules, persons, registers, rule_changes, sources, suppressions

urlpatterns = [
    path("customers/", persons.customers, name="customers"),
    path("customers/search/", persons.search, name="customer-search"),
    path("customers/find/", persons.find, name="customer-find"),
    path("customers/<int:pk>/", persons.customer, name="customer"),
    path("customers/<int:pk>/why-not/", persons.why_not, name="customer-why-not"),
    path("customers/<int:pk>/phones/<int:phone>/", persons.reveal, name="phone-reveal"),
    path("customers/<int:pk>/tags/", persons.tag_add, name="tag-add"),
    path("customers/<int:pk>/tags/<int:tag>/remove/", persons.tag_remove, name="tag-remove"),
    path("customers/<int:pk>/consents/", persons.consent_add, name="consent-add"),
    path("customers/<int:pk>/consents/<int:consent>/withdraw/", persons.consent_withdraw, name="consent-withdraw"),
    path("customers/<int:pk>/suppress/", persons.suppress_customer, name="customer-suppress"),
    path("suppressions/", suppressions.suppressions, name="suppressions"),
    path("suppressions/new/", suppressions.suppression_new, name="suppression-new"),
    path("suppressions/<int:pk>/", suppressions.suppression, name="suppression"),
    path("suppressions/<int:pk>/lift/", suppressions.suppression_lift, name="suppression-lift"),
    path("suppressions/registers/", registers.registers, name="registers"),
    path("suppressions/registers/new/", registers.register_new, name="register-new"),
    path("suppressions/registers/<int:pk>/", registers.register, name="register"),
    path("suppressions/registers/<int:pk>/progress/", registers.register_progress, name="register-progress"),
    path("sources/", sources.sources, name="sources"),
    path("sources/new/", sources.source_new, name="source-new"),
    path("sources/<int:pk>/", sources.source, name="source"),
    path("rules/", contact_rules.rules, name="rules"),
    path("rules/packs/new/", contact_rules.pack_new, name="rule-pack-new"),
    path("rules/packs/<int:pk>/", contact_rules.pack, name="rule-pack"),
    path("rules/packs/<int:pk>/<slug:key>/new/", contact_rules.rule_new, name="rule-new"),
    path("rules/<int:pk>/", contact_rules.rule, name="rule"),
    path("rules/<int:pk>/end/", contact_rules.rule_end, name="rule-end"),
    path("rules/<int:pk>/history/", contact_rules.rule_history, name="rule-history"),
    path("rules/changes/", rule_changes.changes, name="rule-changes"),
    path("rules/changes/badge/", rule_changes.changes_badge, name="rule-changes-badge"),
    path("rules/changes/<int:pk>/", rule_changes.change, name="rule-change"),
    path("rules/changes/<int:pk>/approve/", rule_changes.approve, name="rule-change-approve"),
    path("rules/changes/<int:pk>/refuse/", rule_changes.refuse, name="rule-change-refuse"),
    path("rules/changes/<int:pk>/withdraw/", rule_changes.withdraw, name="rule-change-withdraw"),
]
