"""Verbs of the customer data centre, one module per noun."""
