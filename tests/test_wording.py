"""How the difference of two prompts is shown: in marks, wrapped, and never by colour alone."""

from __future__ import annotations

from assetgen.cli.wording import diff_lines
from assetgen.core.textdiff import diff_words


def shown(old: str, new: str, width: int = 60) -> list[str]:
    return list(diff_lines(diff_words(old, new), width))


def test_marks_stand_close_around_the_words() -> None:
    assert shown("A small rowing boat on the left", "A small boat") == [
        "A small [-rowing-] boat [-on the left-]"
    ]


def test_lines_are_as_wide_as_asked_and_lines_of_the_prompt_stay_lines() -> None:
    old = "first line of a prompt\n" + "word " * 9 + "end"
    lines = shown(old, old.replace("end", "start"), 40)
    assert lines[0] == "first line of a prompt"
    assert all(len(line) <= 40 for line in lines)
    assert " ".join(lines[1:]) == "word " * 9 + "[-end-]{+start+}"


def test_a_long_stretch_that_stayed_is_cut_around_the_changes() -> None:
    middle = " ".join(f"w{number}" for number in range(100))
    (line,) = shown(f"one {middle} two", f"eins {middle} zwei", 10_000)
    assert line.startswith("[-one-]{+eins+} w0 w1 ")
    assert " … " in line
    assert line.endswith(" w98 w99 [-two-]{+zwei+}")
    assert len(line) < len(middle)


def test_space_and_line_ends_that_changed_are_visible() -> None:
    assert shown("a b", "a  b") == ["a[- -]{+  +}b"]
    assert shown("a b", "a\nb") == ["a[- -]{+\\n+}b"]


def test_what_would_command_a_terminal_is_replaced() -> None:
    assert shown("a \x1b[2Jb", "a c") == ["a [-�[2Jb-]{+c+}"]
