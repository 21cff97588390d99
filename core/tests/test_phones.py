import string

import pytest
from hypothesis import given, strategies as st

from core.phones import BadPhone, clean_phone, holds_number, mask_phone, phone_prefix

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


@pytest.mark.parametrize(
    "text",
    [
        "19100007548", "孙明 19100007548", "孙明19100007548先生", "x 191 0000-7548", "(+86) 191.0000.7548 孙明", "１９１００００７５４８", "孙 1\u200b9100007548",
        "0757-8888 6666 前台", "+65 6123 4567 Tan", "Tan +(65) 61234567", "0065 6123 4567 x", "8888-6666", "'1234567", "+1 2345 67",
    ],
)  # fmt: skip
def test_a_number_among_words_or_much_of_one_alone_is_noticed(text):
    assert holds_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "孙明", "孙明 12", "深圳2020-2021年会公司", "No. 12 34 567 Ltd", "客户1234567", "第 3 号楼 2 单元 1001 室 88 号店", "1688", "123-456",
        "2020年1月1日至2021年12月31日", "C++ 12 厂",
    ],
)  # fmt: skip
def test_years_and_numbers_in_names_are_no_phone_numbers(text):
    assert not holds_number(text)


@given(
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
    st.lists(st.sampled_from(["", " ", "-", ".", " - ", "\u200b"]), min_size=10, max_size=10),
    st.text("孙明Ltd ,", max_size=8),
    st.text("孙明Ltd ,", max_size=8),
)
def test_a_mobile_number_is_noticed_however_it_is_written_and_wherever_it_stands(number, marks, before, behind):
    assert holds_number(before + "".join(a + b for a, b in zip(number, [*marks, ""], strict=True)) + behind)


@given(st.lists(st.from_regex(r"[0-9]{1,10}", fullmatch=True), min_size=1, max_size=5))
def test_shorter_numbers_with_words_between_them_are_none(numbers):
    assert not holds_number("号".join(["", *numbers]))
