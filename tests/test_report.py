"""Tables of names that a template may have chosen."""

from color_mesh.report import columns, table


def test_control_characters_in_a_cell_are_shown_as_escapes() -> None:
    text = table(("name", "value"), [("a\x1b[2J", "b\nc"), ("d", "\u202ee\ud800")])
    assert text == ("name      value\n--------  -------------\na\\x1b[2J  b\\nc\nd         \\u202ee\\ud800")


def test_row_is_one_line_whatever_its_cells_contain() -> None:
    assert columns([("a\r\n\x0b\x85\u2028b", "c")]) == "a\\r\\n\\x0b\\x85\\u2028b  c"


def test_printable_characters_of_any_language_stay() -> None:
    assert columns([("Grün 緑 🟢 \\x1b", "c")]) == "Grün 緑 🟢 \\x1b  c"
