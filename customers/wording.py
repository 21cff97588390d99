"""The sentences behind stored words: why a file cannot be read, why a row got its verdict. Translated when shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _, ngettext_lazy

FILE_FAULTS: dict[str, Any] = {
    "empty_file": _("The file is empty. Put the headings into the first row and one customer into each row below."),
    "stopped": _("Somebody stopped it. The numbers taken in so far are not called until the next edition."),
    "no_numbers": _(
        "No number was found in the file. Put one number into each row, below a heading like phone or 手机."
    ),
    "shrunk": _(
        "The file holds %(numbers)s numbers, less than half of the %(standing)s in force from this register. If that is right, say so at the upload."
    ),
    "header_only": _("The file has headings but no rows below them."),
    "old_excel": _("This is a file of Excel 97-2003 (.xls). Open it in Excel and save it as Excel workbook (.xlsx)."),
    "password": _(
        "The file is protected by a password. Open it in Excel, take the password away under File, Info, and save it again."
    ),
    "macros": _("The file contains macros. Save it as Excel workbook (.xlsx) without macros and upload that."),
    "external_links": _(
        "The workbook refers to other files. In Excel, break the links under Data, Edit links, and save it again."
    ),
    "doctype": _(
        "The file contains a document type definition, which no spreadsheet program writes. It was not opened."
    ),
    "bomb": _(
        "The file unpacks to far more than a list can be (more than 200 MB or 200 times its size). It was not opened."
    ),
    "far_cell": _(
        "A cell lies far outside the list (right of column ZZ or below row 299,999). Delete the empty columns and rows beyond the list and save again."
    ),
    "damaged": _(
        "The workbook is damaged and cannot be read. Open it in Excel, save it under a new name and upload that."
    ),
    "not_a_list": _(
        "This is neither an Excel workbook (.xlsx) nor a CSV file. Save the list as .xlsx and upload that."
    ),
    "web_page": _(
        "This is a web page or XML, whatever its name says. Open it in Excel and save it as Excel workbook (.xlsx)."
    ),
    "utf16": _("The text file is in UTF-16. Save it as Excel workbook (.xlsx) or as CSV UTF-8."),
    "encoding": _("The text file is neither UTF-8 nor GB18030. Save it as Excel workbook (.xlsx) or as CSV UTF-8."),
    "bad_csv": _("The CSV file cannot be read from row %(row)s on; often a quotation mark there is never closed."),
    "no_phone_column": _(
        "No column holds the phone number. Name its heading phone, 手机, 电话 or 联系电话. Headings found: %(seen)s."
    ),
    "two_phone_columns": _(
        "Two columns hold phone numbers: %(first)s and %(second)s. Keep one; put further numbers into rows of their own."
    ),
    "number_as_heading": _(
        "Column %(column)s has a telephone number for its heading in row %(row)s. Name every column by a word, or choose the columns by hand."
    ),
    "two_lists": _(
        "More than one sheet holds a list: %(sheets)s. Choose one of them with its columns; when it is committed, upload the file again for the next."
    ),
    "mapping_unfit": _("The columns of the file are not those that were mapped. Look through them again."),
    "sheet_gone": _("The sheet that was chosen is not in the file, or it is empty. Choose another."),
    "too_many_columns": _("The list has %(columns)s columns; %(most)s are the most."),
    "too_many_rows": _("The list has more than %(most)s rows. Split it into several files."),
    "too_big": _(
        "The file needs too much memory to be read. Delete empty columns and rows beyond the list, or split it into several files."
    ),
    "too_slow": _("Reading the file took too long and was stopped. Split it into several files."),
    "file_gone": _("The uploaded file is no longer kept. Upload it again."),
}

REASONS: dict[str, Any] = {
    # invalid
    "phone_missing": _("Phone number is missing"),
    "phone_lost_digits": _("Phone number has lost its digits to 1.38E+10; ask the source for the original"),
    "phone_letters": _("Phone number has characters that are no digits"),
    "phone_too_short": _("Phone number is too short"),
    "phone_too_long": _("Phone number is too long"),
    "phone_invalid": _("No such phone number can exist"),
    "city_missing": _("City is missing"),
    "city_unknown": _("City is not known here"),
    "city_foreign": _("City is not one of yours"),
    "age_not_a_number": _("Age is not a number"),
    "age_impossible": _("Age cannot be right"),
    "gender_unknown": _("Gender is neither female nor male"),
    "type_unknown": _("Type is neither consumer nor business"),
    "name_too_long": _("Name is longer than 120 characters"),
    "external_id_too_long": _("Customer number is longer than 64 characters"),
    "cell_too_long": _("A cell is longer than 4,000 characters"),
    "skipped": _("Set aside by hand"),
    # duplicate
    "same_number": _("The number stands in an earlier row"),
    # left out
    "known": _("The customer is known already; the list leaves such out"),
    "known_lately": _("The customer came a short while ago; the list leaves such out"),
    "on_list": _("An earlier list has brought the customer; the list leaves such out"),
    "in_campaign": _("The customer is or was in a campaign; the list leaves such out"),
    # suppressed
    "register": _("The number is on a do-not-call list"),
    "customer": _("The customer is not to be called"),
    # needs a decision
    "region": _("The data team of the region decides about this row"),
    "new_number": _("The customer is known by another number"),
    "second_number": _("An earlier row gives the customer another number"),
    "two_customers": _("Number and customer number belong to two customers"),
    "other_customer_number": _("The number belongs to another customer number of this source"),
    "other_city": _("The customer belongs to another city"),
    # accepted by a person
    "add_number": _("Further number of a known customer"),
    "moved": _("Customer moves to this city"),
    "keep_customer": _("Customer stays as known, the other values are taken"),
}

SKIPPED = "skipped"  # what a no means
# what a yes means for each reason to decide
ACCEPTED = {
    "new_number": "add_number",
    "second_number": "add_number",
    "two_customers": "keep_customer",
    "other_customer_number": "keep_customer",
    "other_city": "moved",
}


def file_fault_sentence(code: str, detail: Mapping[str, Any] | None = None) -> str:
    """Why the file was not taken, in the reader's language."""
    sentence = str(FILE_FAULTS.get(code, FILE_FAULTS["damaged"]))
    return sentence % _Known(detail or {})


def reason_words(code: str) -> str:
    """Why a row got its verdict; "" when there is nothing to say."""
    return str(REASONS.get(code, "")) if code else ""


class _Known(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "–"


def left_sentences(left: Mapping[str, int] | list[list[Any]]) -> list[str]:
    """What the undo of a merge could not bring back, in sentences."""
    words = {
        "phones": ngettext_lazy("%d number is gone since.", "%d numbers are gone since."),
        "consents": ngettext_lazy("%d consent is gone since.", "%d consents are gone since."),
        "suppressions": ngettext_lazy("%d do-not-call entry is gone since.", "%d do-not-call entries are gone since."),
        "tags": ngettext_lazy("%d tag was taken off since.", "%d tags were taken off since."),
        "details": ngettext_lazy(
            "%d detail was changed since and stays as it is.", "%d details were changed since and stay as they are."
        ),
        "contacts": ngettext_lazy(
            "%d contact made since stays with the one who was kept and counts against both.",
            "%d contacts made since stay with the one who was kept and count against both.",
        ),
        "requests": ngettext_lazy(
            "%d request made since stays with the one who was kept.",
            "%d requests made since stay with the one who was kept.",
        ),
        "for_both": ngettext_lazy(
            "%d do-not-call entry made since holds for both.", "%d do-not-call entries made since hold for both."
        ),
        "leads": ngettext_lazy(
            "%d lead was worked on since and stays where it is.", "%d leads were worked on since and stay where they are."
        ),
        "promises": ngettext_lazy(
            "%d promise to call back was kept or dropped since.", "%d promises to call back were kept or dropped since."
        ),
    }  # fmt: skip
    return [str(words[code] % count) for code, count in dict(left).items() if code in words]
