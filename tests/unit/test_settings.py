"""Settings from file and environment; whatever cannot be used is refused in one sentence."""

from datetime import time
from pathlib import Path

import pytest
import yaml

from config.settings import TEMPLATE, Settings, load_settings
from config.wiring import build, mail_settings
from engine.case import Delays
from engine.conditions import Thresholds
from engine.errors import BadValue, EngineError


def a_file(folder: Path, text: str) -> Path:
    path = folder / "alkawari.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(path: Path) -> str:
    with pytest.raises(EngineError) as refusal:
        load_settings(path)
    sentence = str(refusal.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def test_without_a_file_everything_has_its_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    settings = load_settings(None)

    assert settings.database == "sqlite:///alkawari-data/alkawari.db"
    assert settings.mail.host == ""


def test_the_template_is_a_file_of_settings(tmp_path):
    settings = load_settings(a_file(tmp_path, TEMPLATE))

    assert settings.programme == "Alkawari"
    assert set(yaml.safe_load(TEMPLATE)) <= set(Settings.model_fields)


def test_the_environment_stands_above_the_file(tmp_path, monkeypatch):
    path = a_file(tmp_path, "mail: {host: mail.example, port: 25}\ndatabase_url: sqlite:///a.db")
    monkeypatch.setenv("ALKAWARI_MAIL__HOST", "other.example")
    monkeypatch.setenv("ALKAWARI_DATABASE_URL", "postgresql://somebody@localhost/alkawari")

    settings = load_settings(path)

    assert (settings.mail.host, settings.mail.port) == ("other.example", 25)
    assert settings.database == "postgresql://somebody@localhost/alkawari"


def test_the_data_folder_lies_beside_the_file(tmp_path):
    settings = load_settings(a_file(tmp_path, "data_folder: kept"))

    assert settings.data_folder == tmp_path / "kept"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("mial: {host: a}", "mial"),
        ("mail: {hots: a}", "mail.hots"),
        ("mail: {port: many}", "mail.port"),
        ("mail: {security: ssl}", "mail.security"),
        ("delivery: {lease_s: 600}", "delivery.lease_s"),
        ("delivery: {connections: 0}", "delivery.connections"),
        ("delays: {silent_days: 0}", "delays.silent_days"),
        ("delays: {stalled_moves: -1}", "delays.stalled_moves"),
        ("plan: {timezone: Mars/Olympus}", "plan.timezone"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path, text, names):
    sentence = refused(a_file(tmp_path, text))

    assert names in sentence
    assert "alkawari.yaml" in sentence


@pytest.mark.parametrize("text", ["mail: [unfinished", "just words", "- a\n- list"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text):
    assert "alkawari.yaml" in refused(a_file(tmp_path, text))


def test_a_file_that_is_not_there_is_refused_with_what_to_do(tmp_path):
    assert "alkawari init" in refused(tmp_path / "none.yaml")


def test_a_password_is_neither_shown_nor_repeated(tmp_path):
    path = a_file(tmp_path, "mail: {host: a, password: [hunter2]}")

    assert "hunter2" not in refused(path)
    settings = load_settings(a_file(tmp_path, "mail: {host: a, password: hunter2}"))
    assert "hunter2" not in repr(settings)


def test_the_delays_and_thresholds_of_the_settings_are_those_of_the_rules(tmp_path):
    services = build(Settings(data_folder=tmp_path))

    assert services.delays == Delays()
    assert services.thresholds == Thresholds()
    assert services.hours == (time(8, 30), time(16, 30))
    assert services.new_mailer is None


def test_a_changed_delay_reaches_the_rules(tmp_path):
    given = Settings(data_folder=tmp_path, delays={"silent_days": 60, "stalled_moves": 4})  # type: ignore[arg-type]

    services = build(given)

    assert services.delays.silent_days == services.thresholds.silent_days == 60
    assert services.thresholds.stalled_moves == 4


@pytest.mark.parametrize(
    ("opens", "closes"), [("16:30", "08:30"), ("09:00", "09:00"), ("soon", "16:30"), ("8", "9:61")]
)
def test_send_hours_that_do_not_follow_each_other_are_refused(tmp_path, opens, closes):
    given = Settings(data_folder=tmp_path, delivery={"opens": opens, "closes": closes})  # type: ignore[arg-type]

    with pytest.raises(BadValue, match=r"delivery\.opens"):
        build(given)


def test_a_mail_server_needs_an_address_to_write_from():
    with pytest.raises(BadValue, match=r"mail\.sender"):
        mail_settings(Settings(mail={"host": "mail.example"}))  # type: ignore[arg-type]


def test_the_wait_for_the_last_reply_ends_before_the_lease():
    found = mail_settings(
        Settings(mail={"host": "mail.example", "sender": "a@b.example", "dot_timeout_s": 500},  # type: ignore[arg-type]
                 delivery={"lease_s": 30})  # type: ignore[arg-type]
    )  # fmt: skip

    assert found is not None
    assert found.dot_timeout_s < 30
