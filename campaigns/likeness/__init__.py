"""Likeness to past buyers: arithmetic alone, without the database.

`design` turns what is known of persons into numbers, `fit` finds the weights, `judging` says what they are worth on later calls.
Numbers are cut into bins and every value is a level of its own, missing among them: so a weight belongs to words that people can read.
"""
