"""The example of docs/history.md, worked out anew as a program in another language would."""

import json
import re
from hashlib import sha256
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "history.md").read_text(encoding="utf-8")
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def events() -> list[dict]:
    [block] = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return json.loads(block)


def told(label: str) -> str:
    return re.search(rf"^\| {re.escape(label)} \| `([^`]+)` \|$", PAGE, re.MULTILINE)[1]


def canonical(payload: dict) -> str:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def texts(event: dict) -> list[str]:
    return ["1", str(event["action_id"]), str(event["seq"]), event["kind"], event["at"],
            event["by"], canonical(event["payload"])]  # fmt: skip


def packed(parts: list[str]) -> bytes:
    return b"".join(len(part.encode()).to_bytes(8, "big") + part.encode() for part in parts)


def signs(raw: bytes, count: int) -> str:
    bits = "".join(f"{byte:08b}" for byte in raw)
    return "".join(ALPHABET[int(bits[5 * n : 5 * n + 5], 2)] for n in range(count))


def test_each_hash_follows_from_the_one_before_and_the_event():
    before = bytes(32)
    for event in events():
        made = sha256(before + packed(texts(event))).digest()
        assert made.hex() == event["hash"]
        before = made


def test_the_bytes_told_are_those_that_are_hashed():
    assert (
        told("bytes hashed for event 1, without payload")
        == (bytes(32) + packed(texts(events()[0])[:-1])).hex()
    )


def test_leaves_root_and_fingerprint_are_those_told():
    first, second = (sha256(b"\0" + bytes.fromhex(e["hash"])).digest() for e in events())
    root = sha256(b"\1" + first + second).digest()
    shown = signs(root, 26)
    shown += signs(sha256(f"SAA 2 {shown}".encode()).digest(), 2)

    assert (first.hex(), second.hex()) == (told("leaf of event 1"), told("leaf of event 2"))
    assert root.hex() == told("root of the log of both")
    grouped = "-".join(shown[n : n + 4] for n in range(0, 28, 4))
    assert told("fingerprint") == f"SAA·2·{grouped}"


def test_the_hash_of_the_words_is_the_one_told_and_recorded():
    [(words, language, digest)] = re.findall(
        r"^The words `(.+?)` in `(\w+)` have the hash `(\w{64})`", PAGE, re.MULTILINE
    )

    assert sha256(f"{language}\0{words}".encode()).hexdigest() == digest
    assert events()[0]["payload"]["set"]["text_hash"] == digest
    assert events()[0]["payload"]["set"]["title"] == words


def test_the_action_stands_as_the_events_set_it():
    columns: dict = {}
    for event in events():
        columns |= event["payload"]["set"]

    assert (columns["state"], columns["state_version"]) == ("in_progress", 2)
    assert (columns["reported_level"], columns["due_on"]) == ("minimum", "2026-06-01")
