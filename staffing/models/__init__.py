"""Work on people: coaching sessions and what was agreed in them."""

from .coaching import CoachingSession, CoachingStep

__all__ = ["CoachingSession", "CoachingStep"]
