"""Verbs on places and people, one module per noun."""
