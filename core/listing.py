"""One list for all pages: filter, sort, page, export what is shown. The URL is the state.

    COLUMNS = [
        Column("name", _("Name"), link=lambda row: reverse("customers:customer", args=[row.pk])),
        Column("city", _("City"), value="city.label", sort="city__name"),
        Column("calls", _("Calls"), num=True),
    ]

    def customers(request):
        listing = Listing(request, Customer.objects.visible_to(request.user).for_list(), COLUMNS,
                          name="customers.customers", title=_("Customers"), filterset=CustomerFilter, order="name")
        return listing.page_or_export("customers/customers.html", {"crumbs": ...})

In the template: {% include "core/_filters.html" %} in the head, {% include "core/_list.html" %} in a panel.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.paginator import EmptyPage, Page, PageNotAnInteger, Paginator
from django.db import transaction
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from django.utils.translation import gettext as _

from core.audit import audit
from core.calendar import business_date
from core.clock import database_now
from core.columns import Column, shown
from core.errors import DomainError, PermissionRefused
from core.files import attachment
from core.templatetags import look
from core.workbooks import CSV_TYPE, XLSX_TYPE, Column as FileColumn, Workbook, csv_pieces

PAGE_SIZE = 50
COUNTED = 100_000
EXPORTED = 200_000
FORMATS = ("xlsx", "csv")


class NotExported(DomainError):
    """No file can be made of this; the list is shown again with the sentence."""


class NothingToExport(NotExported):
    """The list is empty."""


class TooMuchToExport(NotExported):
    """The list is longer than one file may be."""


@dataclass(frozen=True)
class Head:
    """A column's head as the template draws it."""

    column: Column
    sort_name: str


@dataclass(frozen=True)
class Cell:
    column: Column
    html: SafeString | str
    url: str


class CappedPaginator(Paginator):
    """Counts no further than COUNTED rows: beyond that nobody pages, and counting millions takes seconds."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return rows.order_by()[: COUNTED + 1].count()
        return len(rows)

    @property
    def is_capped(self) -> bool:
        return self.count > COUNTED


# Asked before rows with personal data leave as a file: (listing, rows) -> an answer in place of the file, or what its audit row says besides.
Door = Callable[["Listing", int], HttpResponseBase | dict[str, Any]]


class Listing:
    """A queryset already cut to what the user may see, and everything the page, the file and the API need of it."""

    def __init__(
        self,
        request: HttpRequest,
        queryset: QuerySet,
        columns: Sequence[Column],
        *,
        name: str,
        title: str | Promise = "",
        filterset: Any = None,
        order: str = "-pk",
        page_size: int = PAGE_SIZE,
        may_export: bool = True,
        empty_title: str | Promise = "",
        empty_text: str | Promise = "",
        row_link: Callable[[Any], str | None] | None = None,
        prefix: str = "",
        search_url: str = "",
        door: Door | None = None,
    ) -> None:
        self.request = request
        self.columns = list(columns)
        self.name = name
        self.title = title
        self.order = order
        self.page_size = page_size
        self.may_export = may_export
        self.empty_title = empty_title or _("Nothing here yet.")
        self.empty_text = empty_text
        self.row_link = row_link
        self.prefix = prefix
        self.door = door
        self.search_url = search_url  # where filters are posted that may hold what must not stand in an address
        self.sort_param, self.page_param, self.export_param = f"{prefix}sort", f"{prefix}page", f"{prefix}export"
        self._queryset = queryset
        self.filterset = filterset(request.GET, queryset=queryset, request=request) if filterset else None

    # -- what is shown

    @cached_property
    def queryset(self) -> QuerySet:
        """Filtered and sorted. A filter that cannot be understood shows nothing, and its fault."""
        rows = self._queryset
        if self.filterset is not None:
            rows = self.filterset.qs if self.filterset.form.is_valid() else rows.none()
        return rows.order_by(*self._ordering())

    @cached_property
    def sort(self) -> str:
        """The sort in force, as in the URL ("-called"); an unknown one is the default."""
        wanted = self.request.GET.get(self.sort_param, "")
        known = {column.name for column in self.columns if column.order}
        return wanted if wanted.removeprefix("-") in known else ""

    def _ordering(self) -> list[Any]:
        if not self.sort:
            fields = [self.order]
        else:
            column = next(column for column in self.columns if column.name == self.sort.removeprefix("-"))
            fields = [f"-{column.order}" if self.sort.startswith("-") else column.order]
        ordering = [
            F(field[1:]).desc(nulls_last=True) if field.startswith("-") else F(field).asc(nulls_last=True)
            for field in fields
        ]
        # without a last tie-breaker rows jump between pages
        if fields[-1].lstrip("-") not in ("pk", "id"):
            ordering.append("-pk" if fields[-1].startswith("-") else "pk")
        return ordering

    @property
    def shown_sort(self) -> str:
        """For the heads: the sort in force, or the default's when it is a column."""
        if self.sort:
            return self.sort
        for column in self.columns:
            if column.order and column.order == self.order.lstrip("-"):
                return ("-" if self.order.startswith("-") else "") + column.name
        return ""

    @cached_property
    def page(self) -> Page:
        paginator = CappedPaginator(self.queryset, self.page_size)
        try:
            return paginator.page(self.request.GET.get(self.page_param, 1))
        except PageNotAnInteger:
            return paginator.page(1)
        except EmptyPage:
            return paginator.page(paginator.num_pages)

    @property
    def total(self) -> int:
        return self.page.paginator.count

    @cached_property
    def heads(self) -> list[Head]:
        return [Head(column, column.name if column.order else "") for column in self.columns]

    @cached_property
    def rows(self) -> list[tuple[Any, str, list[Cell]]]:
        """(row, its link or "", its cells) of this page."""
        return [
            (
                row,
                self.row_link(row) or "" if self.row_link else "",
                [self._cell(column, row) for column in self.columns],
            )
            for row in self.page
        ]

    def _cell(self, column: Column, row: Any) -> Cell:
        value = column.value_of(row)
        url = (column.link(row) if column.link else "") or ""
        if column.template:
            return Cell(
                column,
                mark_safe(
                    render_to_string(column.template, {"row": row, "value": value, "listing": self}, self.request)
                ),
                url,
            )
        return Cell(column, shown(value, column.kind), url)

    @property
    def is_filtered(self) -> bool:
        return bool(self.filter_values)

    @cached_property
    def filter_values(self) -> dict[str, str]:
        """Filters of this list that are set in the URL."""
        if self.filterset is None:
            return {}
        return {name: value for name in self.filterset.form.fields if (value := self.request.GET.get(name))}

    @property
    def reset_url(self) -> str:
        query = self.request.GET.copy()
        for name in [*self.filter_values, self.page_param]:
            query.pop(name, None)
        return f"?{query.urlencode()}"

    def export_url(self, file_format: str) -> str:
        query = self.request.GET.copy()
        query.pop(self.page_param, None)
        query[self.export_param] = file_format
        return f"?{query.urlencode()}"

    @property
    def xlsx_url(self) -> str:
        return self.export_url("xlsx")

    @property
    def csv_url(self) -> str:
        return self.export_url("csv")

    # -- files

    def page_or_export(self, template: str, context: dict[str, Any] | None = None) -> HttpResponseBase:
        """The page, or the file when the URL asks for one. An htmx request aimed at the list gets the list alone."""
        if self.request.GET.get(self.export_param) in FORMATS:
            try:
                return self.export()
            except NotExported as refusal:
                return self._page(template, {**(context or {}), "refusal": str(refusal)}, status=409)
        return self._page(template, context or {})

    def _page(self, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
        if self.request.headers.get("HX-Target") == self.element_id:
            template = "core/_list.html"
        return render(self.request, template, {"title": self.title, **context, "listing": self}, status=status)

    @property
    def element_id(self) -> str:
        return f"list-{slugify(self.name.replace('.', '-'))}"

    def export(self) -> HttpResponseBase:
        """What is shown, all pages of it, as a file. Audited before the first byte. Raises NothingToExport, TooMuchToExport, PermissionRefused."""
        if not self.may_export:
            raise PermissionRefused(_("Your role does not allow this export."))
        count = self.exported_rows().order_by()[: EXPORTED + 1].count()
        if count == 0:
            raise NothingToExport(_("There is nothing to export: no row fits the filters."))
        if count > EXPORTED:
            raise TooMuchToExport(
                _("More than %(limit)s rows fit the filters. Narrow them and export again.")
                % {"limit": f"{EXPORTED:,}"}
            )
        file_format = self.request.GET.get(self.export_param, "xlsx")
        with transaction.atomic():  # what the door locks stays locked until the next one can read of this file
            passed = self.door(self, count) if self.door else {}
            if isinstance(passed, HttpResponseBase):
                return passed
            at = database_now()
            audit(
                "core.list.exported",
                by=self.request.user,
                at=at,
                list=self.name,
                rows=count,
                format=file_format,
                filters=sorted(self.filter_values),
                **passed,
            )
        name = f"{slugify(str(self.title), allow_unicode=True) or 'list'}-{business_date(at):%Y%m%d}.{file_format}"
        return self._csv(name) if file_format == "csv" else self._xlsx(name, at)

    def exported_rows(self) -> QuerySet:
        """All pages of what is shown."""
        return self.queryset

    def file_columns(self) -> list[Column]:
        return [column for column in self.columns if column.export is not False]

    def file_rows(self) -> Iterator[list[Any]]:
        columns = self.file_columns()
        for row in self.exported_rows().iterator(chunk_size=2000):
            yield [column.file_value(row) for column in columns]

    def _titles(self) -> list[FileColumn]:
        return [FileColumn(str(column.label), column.width, column.format) for column in self.file_columns()]

    def _csv(self, name: str) -> HttpResponseBase:
        target = tempfile.TemporaryFile()  # noqa: SIM115  (the response closes it)
        for piece in csv_pieces(self._titles(), self.file_rows()):
            target.write(piece)
        return attachment(target, name, CSV_TYPE)

    def _xlsx(self, name: str, at: Any) -> HttpResponseBase:
        target = tempfile.TemporaryFile()  # noqa: SIM115
        note = _("%(title)s, as shown to %(name)s on %(moment)s") % {
            "title": self.title,
            "name": getattr(self.request.user, "display_name", "") or self.request.user.get_username(),
            "moment": look.moment(at),
        }
        with Workbook(target) as book:
            book.sheet(str(self.title) or _("Rows"), self._titles(), self.file_rows(), notes=[note])
        return attachment(target, name, XLSX_TYPE)
