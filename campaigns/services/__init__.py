"""Verbs of campaigns, one module per noun."""
