"""What a terminal may send: bytes that are no UTF-8, sequences that are none, and pastes without an end."""

from random import Random

import pytest
from textual import events

from saetui.tui.driver import KeyReader

# A letter of Latin-1, cut sequences of two to four bytes, a lone continuation, overlong forms, half a surrogate pair,
# a code point beyond Unicode, bytes that never occur.
INVALID = (
    b"\xe9",
    b"\xc3",
    b"\xe2\x82",
    b"\xf0\x9f\x98",
    b"\x80",
    b"\xc0\xaf",
    b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xfe\xff",
)
# Sequences that look like keys, and are none.
SENSELESS = (b"\x1b[99999999999u", b"\x1b[1114112u", b"\x1b[::u", b"\x1b[:;1u", b"\x1b[1;:u")


def keys(reader: KeyReader, *reads: bytes) -> str:
    found = [message for data in reads for message in reader.read(data)]
    return "".join(m.character or f"<{m.key}>" for m in found if isinstance(m, events.Key))


@pytest.mark.parametrize("data", INVALID)
def test_bytes_that_are_no_utf_8_become_a_character_that_says_so(data: bytes) -> None:
    typed = keys(KeyReader(), data + b"a")
    assert typed[-1] == "a"
    assert set(typed[:-1]) == {"�"}


@pytest.mark.parametrize("character", ["é", "€", "😀"])
def test_a_character_that_comes_in_two_reads_is_one(character: str) -> None:
    data = character.encode()
    for cut in range(1, len(data)):
        assert keys(KeyReader(), data[:cut], data[cut:]) == character


@pytest.mark.parametrize("data", SENSELESS)
def test_a_senseless_sequence_costs_itself_only(data: bytes) -> None:
    reader = KeyReader()
    keys(reader, data)
    reader.wait_no_longer()
    assert keys(reader, b"a") == "a"


def test_whatever_comes_keys_work_afterwards() -> None:
    random = Random(11)
    parts = [
        *INVALID,
        *SENSELESS,
        *(bytes([b]) for b in range(256)),
        b"\x1b[",
        b"\x1b[<",
        b"\x1bO",
        b";",
        b"200~",
        b"48;",
    ]
    reader = KeyReader()
    for _ in range(2000):
        reader.read(b"".join(random.choices(parts, k=random.randint(1, 8))))
    for _ in range(100):
        reader.wait_no_longer()
    assert keys(reader, b"\rq") == "\rq"


def test_a_paste_whose_end_was_lost_ends_by_itself() -> None:
    reader = KeyReader()
    assert reader.read(b"\x1b[200~so") == []
    late = [message for _ in range(100) for message in reader.wait_no_longer()]
    assert [m.text for m in late if isinstance(m, events.Paste)] == ["so"]
    assert keys(reader, b"q") == "q"


def test_a_slow_paste_stays_one() -> None:
    reader = KeyReader()
    found = []
    for data in (b"\x1b[20", b"0~so", b" short\x1b[2", b"01~"):
        found += reader.read(data)
        for _ in range(10):
            found += reader.wait_no_longer()
    assert [m.text for m in found if isinstance(m, events.Paste)] == ["so short"]


@pytest.mark.parametrize("key", ["j", ":", "/", "1", "7", "\r", "J", "q", " "])
def test_escape_and_a_key_in_one_packet_are_both_there(key: str) -> None:
    assert keys(KeyReader(), f"\x1b{key}".encode()) == f"\x1b{key}"
    assert keys(KeyReader(), f"\x1b\x1b{key}k".encode()) == f"\x1b\x1b{key}k"


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b"\x1b[A", "up"),
        (b"\x1bOA", "up"),
        (b"\x1bf", "ctrl+right"),
        (b"\x1bb", "ctrl+left"),
        (b"\x1b\x7f", "ctrl+w"),
        (b"\x1b[1;3D", "alt+left"),
    ],
)
def test_the_sequence_of_a_key_stays_that_key(data: bytes, key: str) -> None:
    assert [m.key for m in KeyReader().read(data) if isinstance(m, events.Key)] == [key]


def test_an_escape_that_begins_the_end_of_a_paste_is_no_key() -> None:
    reader = KeyReader()
    found = [
        *reader.read(b"\x1b[200~:so\r"),
        *reader.read(b"short\x1b"),
        *reader.read(b"[201~"),
        *reader.read(b"\x1bj"),
    ]
    assert [m.text for m in found if isinstance(m, events.Paste)] == [":so\rshort"]
    assert [m.key for m in found if isinstance(m, events.Key)] == ["escape", "j"]
