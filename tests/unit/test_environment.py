"""What the environment says of the settings, and how it goes together with the file."""

import pytest

from config.environment import merged, said_in_environment
from config.settings import load_settings
from engine.errors import BadValue


def test_parts_of_a_section_are_named_by_two_underscores(monkeypatch):
    monkeypatch.setenv("ALKAWARI_MAIL__HOST", "mail.example")
    monkeypatch.setenv("alkawari_mail__timeout_s", "3")
    monkeypatch.setenv("ALKAWARI_PROGRAMME", "Ours")
    monkeypatch.setenv("ALKAWARI_CONFIG", "elsewhere")
    monkeypatch.setenv("OTHER_MAIL__HOST", "other.example")

    assert said_in_environment({"mail"}, {"ALKAWARI_CONFIG"}) == {
        "mail": {"host": "mail.example", "timeout_s": "3"},
        "programme": "Ours",
    }


def test_a_section_is_json_and_its_parts_have_the_last_word(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALKAWARI_MAIL", '{"host": "a.example", "port": 25, "user": "us"}')
    monkeypatch.setenv("ALKAWARI_MAIL__HOST", "b.example")

    mail = load_settings(None).mail

    assert (mail.host, mail.port, mail.user) == ("b.example", 25, "us")


def test_a_section_that_is_no_json_is_refused_without_its_words(monkeypatch):
    monkeypatch.setenv("ALKAWARI_MAIL", "{password: secret")

    with pytest.raises(BadValue, match="ALKAWARI_MAIL__") as refusal:
        said_in_environment({"mail"}, ())

    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ALKAWARI_MAIL__HOSTT", "x", "mail.hostt"),
        ("ALKAWARI_MAIL__HOST__NAME", "x", "mail.host"),
        ("ALKAWARI_PROGRAMME__NAME", "x", "programme"),
        ("ALKAWARI_MAIL", "[1]", "mail"),
        ("ALKAWARI_MAIL__PORT", "many", "mail.port"),
        ("ALKAWARI_TIMEZONE", "Atlantis", "timezone"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_name(monkeypatch, tmp_path, name, value, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value)

    with pytest.raises(BadValue, match=f"Setting {said} "):
        load_settings(None)


def test_numbers_and_truths_are_read_from_text(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALKAWARI_DELIVERY__CONNECTIONS", "3")
    monkeypatch.setenv("ALKAWARI_WEBHOOKS__ALLOW_PRIVATE", "true")
    monkeypatch.setenv("ALKAWARI_DATA_FOLDER", "here")

    settings = load_settings(None)

    assert settings.delivery.connections == 3
    assert settings.webhooks.allow_private is True
    assert settings.data_folder.name == "here"


def test_two_trees_go_together_leaf_by_leaf():
    below = {"mail": {"host": "a", "port": 25}, "plan": None, "timezone": "UTC"}
    above = {"mail": {"host": "b"}, "plan": {"country": "BF"}}

    assert merged(below, above) == {
        "mail": {"host": "b", "port": 25}, "plan": {"country": "BF"}, "timezone": "UTC",
    }  # fmt: skip
    assert below["mail"] == {"host": "a", "port": 25}
