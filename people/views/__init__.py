"""Sign-in and account, places, persons."""
