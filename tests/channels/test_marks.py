"""The light marks of our texts, and where a long one is cut."""

from hypothesis import given, settings
from hypothesis import strategies as st

from savdo.channels import marks


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.text(alphabet=st.sampled_from("ab .!?\n*-<&é👍🏽\u200d👩🇺🇿"), max_size=300), st.integers(8, 60))
def test_that_parts_fit_and_lose_no_word(text: str, longest: int) -> None:
    marked = marks.read(text)
    parts = marks.parts(marked, longest)
    assert all(0 < marks.units(part.text) <= longest for part in parts)
    assert "".join("".join(part.text.split()) for part in parts) == "".join(marked.text.split())
    assert all(part.text == part.text.strip() for part in parts)


def test_that_a_text_is_cut_between_paragraphs_then_sentences_then_words() -> None:
    def cut(text: str, longest: int) -> list[str]:
        return [part.text for part in marks.parts(marks.read(text), longest)]

    assert cut("One two.\n\nThree four. Five", 20) == ["One two.", "Three four. Five"]
    assert cut("One two. Three four five", 18) == ["One two.", "Three four five"]
    assert cut("One two three", 9) == ["One two", "three"]
    assert cut("👍" * 5, 5) == ["👍👍", "👍👍", "👍"]
    assert cut("aaa👩‍👩‍👧bbb", 9) == ["aaa", "👩‍👩‍👧b", "bb"]


def test_that_light_marks_become_html_and_everything_else_is_text() -> None:
    marked = marks.read("**A<b** & **c**\n- one\n* two **open")
    assert marked.html() == "<b>A&lt;b</b> &amp; <b>c</b>\n• one\n• two **open"
    assert [part.html() for part in marks.parts(marks.read("**aaaa bbbb**"), 5)] == ["<b>aaaa</b>", "<b>bbbb</b>"]
