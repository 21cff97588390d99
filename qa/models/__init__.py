"""Recordings of calls and what is said about them."""

from .clips import Clip
from .recordings import KeepRule, Listening, Recording, RecordingNote, Sound

__all__ = ["Clip", "KeepRule", "Listening", "Recording", "RecordingNote", "Sound"]
