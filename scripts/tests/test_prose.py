from scripts.prose import Block, Row, blocks, compared, marked, snippet


def test_headings_lists_and_paragraphs_are_told_apart():
    text = "# 宽带\n\n先问用途。\n再说好处。\n\n- 500M\n- 换路由器\n1. 核对\n2. 复述\n## 小节\n#no heading"

    assert blocks(text) == [
        Block("heading", ["宽带"]),
        Block("paragraph", ["先问用途。", "再说好处。"]),
        Block("bullets", ["500M", "换路由器"]),
        Block("numbers", ["核对", "复述"]),
        Block("subheading", ["小节"]),
        Block("paragraph", ["#no heading"]),
    ]


def test_a_list_goes_on_only_until_an_empty_line():
    assert blocks("- one\n\n- two") == [Block("bullets", ["one"]), Block("bullets", ["two"])]


def test_hits_are_marked_whatever_their_case_and_nothing_is_lost():
    pieces = marked("Router and ROUTER+", ["router"])

    assert [(piece.text, piece.is_hit) for piece in pieces] == [
        ("Router", True),
        (" and ", False),
        ("ROUTER", True),
        ("+", False),
    ]


def test_a_word_with_signs_is_looked_for_as_it_is():
    assert [piece.text for piece in marked("a.b axb", ["a.b"]) if piece.is_hit] == ["a.b"]


def test_a_snippet_stands_around_its_hit():
    text = "前" * 100 + "违约金" + "后" * 100

    pieces = snippet(text, ["违约金"])

    assert "".join(piece.text for piece in pieces) == "…" + "前" * 60 + "违约金" + "后" * 60 + "…"
    assert [piece.text for piece in pieces if piece.is_hit] == ["违约金"]


def test_two_texts_stand_side_by_side():
    assert compared("a\nb\nc", "a\nB\nc\nd") == [
        Row("same", "a", "a"),
        Row("changed", "b", "B"),
        Row("same", "c", "c"),
        Row("new", None, "d"),
    ]
