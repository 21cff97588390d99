"""News for the apps above. Each says when it is sent."""

from django.dispatch import Signal

# before, version, by, at: a version came into force and displaced the one before. Sent INSIDE the transaction with the script and both
# versions locked, so that whoever calls with the one before goes on to the new one or it stays as it was. A receiver that cannot follow
# raises VersionInUse.
version_displaced = Signal()

# version, by: a version is about to be retired. Sent INSIDE the transaction with script and version locked; a receiver that still calls with it
# raises VersionInUse, naming who.
version_retiring = Signal()
