"""Lists, customers, suppressions, sources, rules of contact."""
