"""Files of the customers of a segment, before the door that all files with personal data go through."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import urlencode

from django.http import HttpResponseBase

from core.listing import Door, Listing
from customers.models import Segment
from people.exports import pass_door, query_of


def two_persons_of_segment(segment: Segment) -> Door:
    """Few rows leave at once, many under an approval. It is for this segment and these conditions: changed, it asks anew."""

    def door(listing: Listing, rows: int) -> HttpResponseBase | dict[str, object]:
        stands = {"segment": segment.pk, "conditions": _digest(segment)}
        others = query_of(listing, without=("segment",))
        return pass_door(
            listing.request, list_name=listing.name, title=str(listing.title), path=listing.request.path,
            query="&".join(filter(None, [others, urlencode(stands)])), rows=rows, holding=listing.exported_rows(),
        )  # fmt: skip

    return door


def _digest(segment: Segment) -> str:
    told = json.dumps([segment.conditions, segment.city_id], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:12]
