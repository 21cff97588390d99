"""The floor board: what the teams of a place do today, beside what was expected, and what needs a decision now.

A place on the floor is where people work: a city's row is the work of the city's teams.
"""
