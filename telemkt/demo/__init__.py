"""A province to try the product on: people, lists, scripts, campaigns and sixty days of calls up to now.

Everything is made from one seed, so two demos of the same day are alike. Nobody in it exists: the numbers begin with
prefixes that belong to nobody, the names are drawn from common surnames and given names.
"""
