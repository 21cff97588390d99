"""Both languages are complete: every text that the code marks has its Chinese, with the same placeholders."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from django.template.base import Lexer, TokenType

from telemkt.stack import messages

ROOT = Path(settings.BASE_DIR)
CATALOGUE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
NAMES = {"_", "gettext", "gettext_lazy", "gettext_noop"}
PLURALS = {"ngettext", "ngettext_lazy"}
PLACEHOLDER = re.compile(r"%\(\w+\)[sdif]|%\(\w+\)\.\d+f|\{\w*\}")


@cache
def catalogue():
    return {entry.id: entry for entry in messages.entries(CATALOGUE) if entry.id}


def sources(pattern):
    listed = subprocess.run(
        ["git", "ls-files", pattern], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    return [ROOT / name for name in listed if "/tests/" not in name and not name.startswith(("bench/", "tools/"))]


def python_texts(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and node.args):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        first = node.args[0]
        if name in NAMES | PLURALS and isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def template_texts(path):
    for token in Lexer(path.read_text(encoding="utf-8")).tokenize():
        if token.token_type is TokenType.BLOCK and token.contents.startswith(("translate ", "trans ")):
            found = re.match(r'trans(?:late)? "([^"]*)"|trans(?:late)? \'([^\']*)\'', token.contents)
            if found:
                # as the template engine asks for it: a percent sign is written twice
                yield (found[1] or found[2]).replace("%", "%%")


def test_every_text_of_the_code_is_in_the_catalogue():
    wanted = {(text, path.name) for path in sources("*.py") for text in python_texts(path) if text}

    assert not sorted(place for place in wanted if place[0] not in catalogue())


def test_every_text_of_the_templates_is_in_the_catalogue():
    wanted = {(text, path.name) for path in sources("templates/*.html") for text in template_texts(path)}

    assert not sorted(place for place in wanted if place[0] not in catalogue())


def test_nothing_is_left_untranslated_or_doubtful():
    assert not [entry.id for entry in catalogue().values() if entry.is_fuzzy or not entry.is_whole]


def test_a_translation_keeps_the_placeholders_of_its_text():
    def wrong(entry):
        texts = [entry.id, entry.plural] if entry.plural else [entry.id]
        allowed = {mark for text in texts for mark in PLACEHOLDER.findall(text)}
        return any(set(PLACEHOLDER.findall(text)) - allowed for text in entry.strings.values())

    assert not [entry.id for entry in catalogue().values() if wrong(entry)]


@pytest.mark.parametrize(
    "term", [("contact rate", "呼出接通率"), ("cancellation rate", "退单率"), ("Do not call", "免打扰")]
)
def test_the_terms_of_the_field_are_used(term):
    english, chinese = term
    found = [entry for entry in catalogue().values() if entry.id.lower() == english.lower()]

    assert found
    assert all(chinese in entry.strings[0] for entry in found)
