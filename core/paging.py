"""Pages of lists over the API."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """Newest first; a subclass says by what, since each list has a time of its own. Rows that come meanwhile shift no page."""

    ordering: tuple[str, ...] = ("-id",)
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000
