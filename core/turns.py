"""Who runs next among the threads of one process."""

import sys

# A thread whose query is answered waits until the one that runs gives way. Python lets it run for 5 ms; a page of some dozen queries, in a
# process that draws others meanwhile, would wait that long several times over.
TURN_SECONDS = 0.0005


def take_short_turns() -> None:
    """For processes whose threads draw pages: whoever comes back from the database goes on nearly at once."""
    sys.setswitchinterval(TURN_SECONDS)
