import string

import pytest
from hypothesis import given, strategies as st

from core.phones import BadPhone, clean_phone, mask_phone, phone_prefix

mobiles = st.integers(13_000_000_000, 19_999_999_999).map(str)


@pytest.mark.parametrize(
    "raw",
    [
        "19100007548",
        " 191 0000 7548 ",
        "191-0000-7548",
        "(191)00007548",
        "+86 191 0000 7548",
        "+8619100007548",
        "0086-191-0000-7548",
        "8619100007548",
        "１９１０００0７５４８",
        "\u200b191\u200d0000\u20607548\ufeff",
        "\u202a19100007548\u202c",
        "191\u00a00000\u30007548",
        "191–0000—7548",
        "'19100007548",
        "＋86１９１00007548",
        19100007548,
        19100007548.0,
        "19100007548.0",
        "19100007548.",
    ],
)
def test_the_same_number_written_in_many_ways_is_one(raw):
    assert clean_phone(raw) == "8619100007548"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("1.38E+10", "lost its digits"),
        ("1.38e10", "lost its digits"),
        ("1.38E+10 ", "lost its digits"),
        ("1.3800138E＋10", "lost its digits"),
        ("138E8", "lost its digits"),
        ("", "missing"),
        ("  \u200b ", "missing"),
        (None, "missing"),
        (True, "missing"),
        ("none", "no digits"),
        ("1910000754a", "no digits"),
        ("1910000754８８", "can exist"),
        ("191000075", "can exist"),
        ("123", "too short"),
        ("1" * 16, "too long"),
        ("9" * 400, "far too long"),
        ("12345678901", "can exist"),
        (1910000754.8, "decimal point"),
        ("1910000754.8", "decimal point"),
        (float("nan"), "no digits"),
        (float("inf"), "no digits"),
    ],
)
def test_what_is_no_number_is_refused_with_a_reason(raw, words):
    with pytest.raises(BadPhone, match=words):
        clean_phone(raw)


@pytest.mark.parametrize("raw", ["1.38E+10", "1.38e10", "1.3800138E＋10", "138E8", "+1.9E10", " 1.38E+10 "])
def test_a_power_of_ten_has_lost_its_digits(raw):
    with pytest.raises(BadPhone, match="lost its digits"):
        clean_phone(raw)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("0757-82345678", "8675782345678"),
        ("(0757) 8234 5678", "8675782345678"),
        ("+86 757 8234 5678", "8675782345678"),
        ("010 6552 9988", "861065529988"),
        ("+44 20 7946 0018", "442079460018"),
        ("0044 20 7946 0018", "442079460018"),
        ("+1 415 555 2671", "14155552671"),
    ],
)
def test_landlines_and_foreign_numbers_are_known(raw, clean):
    assert clean_phone(raw) == clean


@given(mobiles)
def test_a_mobile_number_is_kept_to_the_digit(number):
    assert clean_phone(number) == "86" + number


@given(mobiles, st.lists(st.tuples(st.integers(0, 11), st.sampled_from(" -\u200b\u00a0\u202d\u3000")), max_size=8))
def test_separators_and_invisible_marks_change_nothing(number, marks):
    text = number
    for place, mark in marks:
        text = text[:place] + mark + text[place:]
    assert clean_phone(text) == "86" + number


@given(mobiles)
def test_full_width_digits_are_digits(number):
    wide = number.translate({ord(digit): ord(digit) - ord("0") + ord("０") for digit in string.digits})
    assert clean_phone(wide) == "86" + number


def cleaned(raw):
    """(number, "") or ("", sentence)."""
    try:
        return clean_phone(raw), ""
    except BadPhone as refusal:
        return "", str(refusal)


@given(st.text(max_size=60) | st.floats() | st.integers() | st.none())
def test_anything_is_a_number_or_a_sentence(raw):
    clean, sentence = cleaned(raw)

    if clean:
        assert clean.isascii()
        assert clean.isdigit()
        assert 7 <= len(clean) <= 15
        assert clean_phone("+" + clean) == clean
    else:
        assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("clean", "mask"),
    [
        ("8619100007548", "191****7548"),
        ("8675782345678", "757****5678"),
        ("14155552671", "141****2671"),
        ("4412345678", "441****5678"),
        ("12345", "****"),
    ],
)
def test_a_mask_leaves_no_whole_number(clean, mask):
    assert mask_phone(clean) == mask


def test_only_three_digits_are_kept_for_targeting():
    assert phone_prefix("8619100007548") == "191"
    assert phone_prefix("442079460018") == ""
