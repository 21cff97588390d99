"""Starts PostgreSQL and Valkey when none is given, and keeps everything that serves running."""
