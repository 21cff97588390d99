"""The catalogues compile without GNU gettext and mean the same."""

import gettext
from pathlib import Path

import pytest

from telemkt.stack import messages

CATALOGUE = r"""
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

#: core/views.py:1
msgid "Jobs"
msgstr "任务"

msgctxt "verb"
msgid "Call"
msgstr "呼叫"

msgid "%(count)d city"
msgid_plural "%(count)d cities"
msgstr[0] "%(count)d 个城市"
msgstr[1] "%(count)d 个城市 (多)"

msgid ""
"Two lines, "
"one \"text\".\n"
msgstr ""
"两行,"
"一段 \"文字\"。\n"

#, fuzzy
msgid "Guess"
msgstr "猜"

msgid "Untranslated"
msgstr ""

#~ msgid "Old"
#~ msgstr "旧"
"""


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    path = tmp_path / "catalogues" / "zh_Hans" / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True)
    path.write_text(CATALOGUE, encoding="utf-8")
    return path


@pytest.fixture
def translations(catalogue: Path) -> gettext.GNUTranslations:
    with open(messages.compile_file(catalogue), "rb") as file:
        return gettext.GNUTranslations(file)


def test_a_compiled_catalogue_translates_texts_contexts_and_plurals(translations):
    assert translations.gettext("Jobs") == "任务"
    assert translations.pgettext("verb", "Call") == "呼叫"
    assert translations.ngettext("%(count)d city", "%(count)d cities", 1) == "%(count)d 个城市"
    assert translations.ngettext("%(count)d city", "%(count)d cities", 2) == "%(count)d 个城市 (多)"


def test_a_text_over_several_lines_is_one_text(translations):
    assert translations.gettext('Two lines, one "text".\n') == '两行,一段 "文字"。\n'


@pytest.mark.parametrize("text", ["Guess", "Untranslated", "Old"])
def test_what_nobody_has_confirmed_stays_in_the_source_language(translations, text):
    assert translations.gettext(text) == text


def test_an_unchanged_catalogue_is_not_compiled_again(catalogue):
    root = catalogue.parents[2]

    assert messages.compile_all(root) == [catalogue.with_suffix(".mo")]
    assert messages.compile_all(root) == []


def test_a_broken_catalogue_is_named_with_its_line(catalogue):
    catalogue.write_text('msgid "a"\nmsgstr nonsense\n', encoding="utf-8")

    with pytest.raises(messages.BadCatalogue, match=r"django\.po, line 2"):
        messages.compile_file(catalogue)


def test_a_broken_catalogue_is_told_of_and_stops_nobody(catalogue, monkeypatch, capsys):
    catalogue.write_text('msgid "a"\nmsgstr nonsense\n', encoding="utf-8")
    monkeypatch.setattr(messages.home, "CHECKOUT", catalogue.parents[3])
    catalogue.parents[2].rename(catalogue.parents[3] / "locale")

    messages.refresh()

    assert "django.po, line 2" in capsys.readouterr().err
