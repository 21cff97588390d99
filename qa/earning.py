"""What answers earn and which fail the call, for sums in the database: as qa.scoring has them (the functions stand in qa/migrations).

Wherever answers "not done well" are counted, an item in points counts with the share of its points that is missing: 3 of 5 points are 0.4
of an error. So Yes and No count as ever, and no bound between good and bad points has to be drawn.
"""

from __future__ import annotations

from django.db.models import BooleanField, F, FloatField, Func


def earned(answer: str = "answer", item: str = "item") -> Func:
    """The share of the item's weight from 0 to 1, null when it does not apply. `answer` and `item` are paths from the row."""
    return Func(
        F(answer), F(f"{item}__good"), F(f"{item}__most_points"), function="qa_earned", output_field=FloatField()
    )


def is_fatal(answer: str = "answer", item: str = "item") -> Func:
    return Func(
        F(answer),
        F(f"{item}__fails_on"),
        F(f"{item}__fails_up_to"),
        function="qa_is_fatal",
        output_field=BooleanField(),
    )


def to_tenths(lost: float) -> float | int:
    """How often something was not done well, as it is told: a whole number unless points were lost."""
    told = round(lost, 1)
    return int(told) if told == int(told) else told
