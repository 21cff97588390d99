"""Why not now: the class of every lead of a campaign, its counts, its reasons, and how long the stock lasts."""
