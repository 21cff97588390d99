"""From a file of another dialer's calls to clean rows. Nothing here touches the database; the way in is customers.reading."""
