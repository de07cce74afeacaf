"""What a telephone writes into a photograph is taken out, and the photograph stays as it was."""

import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pictures import WHERE, a_heic, a_jpeg, a_png, a_webp
from PIL import Image

from workflows.bare_pictures import UnreadableError, bare
from workflows.evidence import sniffed

HEADS = {
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/webp": b"RIFF\x10\x00\x00\x00WEBP",
    "image/heic": b"\x00\x00\x00\x18ftypheic",
}


def freed(data: bytes) -> bytes:
    kind = sniffed(data)
    assert kind is not None
    return bare(data, kind)


@pytest.mark.parametrize("make", [a_jpeg, a_png, a_webp])
def test_the_notes_go_and_the_picture_stays(make):
    noted, plain = make(noted=True), make()
    assert WHERE in noted
    after = freed(noted)
    assert WHERE not in after
    assert Image.open(io.BytesIO(after)).tobytes() == Image.open(io.BytesIO(plain)).tobytes()
    assert not Image.open(io.BytesIO(after)).getexif()
    assert freed(after) == after
    assert freed(plain) == plain


def test_a_photograph_stays_the_right_way_up():
    after = freed(a_jpeg(noted=True, turned=6))
    assert WHERE not in after
    assert dict(Image.open(io.BytesIO(after)).getexif()) == {0x0112: 6}
    assert freed(after) == after


def test_the_notes_of_the_newest_telephones_are_written_over():
    noted = a_heic()
    assert noted.count(WHERE) == 5
    after = freed(noted)
    assert WHERE not in after
    assert b"the picture itself" in after
    assert len(after) == len(noted)
    assert freed(a_heic(noted=False)) == a_heic(noted=False)


def test_a_photograph_that_was_cut_off_on_its_way_is_kept_as_far_as_it_came():
    whole = a_jpeg(noted=True)
    end = whole.index(b"\xff\xd9")
    after = freed(whole[: end - 2])
    assert after.endswith(b"\xff\xd9")
    assert WHERE not in after


def test_what_is_no_picture_comes_back_as_it_is():
    assert bare(b"a text", "text/plain") == b"a text"
    assert bare(b"%PDF-1.7", "application/pdf") == b"%PDF-1.7"


@pytest.mark.parametrize("kind", HEADS)
@given(rest=st.binary(max_size=200))
@example(rest=b"ANMF")  # the end of a file cut off in mid-word
def test_a_picture_whose_parts_cannot_be_told_apart_is_refused_and_nothing_else(kind, rest):
    try:
        after = bare(HEADS[kind] + rest, kind)
    except UnreadableError:
        return
    assert len(after) <= len(HEADS[kind] + rest) + 2


@pytest.mark.parametrize("make", [a_jpeg, a_png, a_webp, a_heic])
def test_wherever_a_picture_is_cut_no_note_comes_through(make):
    whole = make(noted=True)
    for end in range(12, len(whole)):
        try:
            after = bare(whole[:end], sniffed(whole) or "")
        except UnreadableError:
            continue
        assert WHERE not in after, end
