"""Whose address a request has, with and without a proxy before us."""

from django.test import RequestFactory

from core.addresses import client_ip


def _asked(forwarded: str):
    return RequestFactory().get(
        "/", headers={"X-Forwarded-For": forwarded} if forwarded else {}, REMOTE_ADDR="10.0.0.1"
    )


def test_without_a_proxy_what_the_sender_says_of_the_address_is_not_believed(settings):
    settings.BEHIND_TLS = False

    assert client_ip(_asked("203.0.113.9")) == "10.0.0.1"


def test_behind_a_proxy_its_own_word_counts_which_is_the_last(settings):
    settings.BEHIND_TLS = True

    assert client_ip(_asked("198.51.100.1, 203.0.113.9")) == "203.0.113.9"
    assert client_ip(_asked("")) == "10.0.0.1"
