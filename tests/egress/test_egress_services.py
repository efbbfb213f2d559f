"""The echo services that ship, and the user's changes to them."""

from __future__ import annotations

import pytest

from wizard.core.errors import WizardError
from wizard.egress.services import Parser, load_services


def loaded(tmp_path, text):
    file = tmp_path / "services.toml"
    file.write_text(text)
    return {service.name: service for service in load_services(file)}


def test_the_shipped_services_have_several_operators_and_speak_https():
    services = load_services(None)

    assert len(services) == 6
    assert len({service.operator for service in services}) == 5
    assert all(service.url.startswith("https://") for service in services)
    assert len({service.name for service in services}) == 6


def test_two_services_of_one_operator_count_as_one():
    operators = {service.name: service.operator for service in load_services(None)}

    assert operators["icanhazip"] == operators["cloudflare-trace"]


def test_an_operator_that_is_written_in_two_ways_is_one_voice(tmp_path):
    user_file = tmp_path / "services.toml"
    user_file.write_text('[mine]\noperator = "  cloudFlare"\nurl = "https://one.one.one.one/"\nparser = "plain"\n')

    (mine,) = (service for service in load_services(user_file) if service.name == "mine")

    assert mine.operator == "Cloudflare"


def test_a_missing_file_changes_nothing(tmp_path):
    assert load_services(tmp_path / "none.toml") == load_services(None)


def test_a_service_can_be_added(tmp_path):
    services = loaded(tmp_path, '[own]\noperator = "Me"\nurl = "https://ip.example.org/"\nparser = "json"\n')

    assert len(services) == 7
    assert services["own"].parser is Parser.JSON


def test_a_service_can_be_replaced_by_its_name(tmp_path):
    services = loaded(tmp_path, '[ipify]\nurl = "https://api.ipify.org/"\n')

    assert len(services) == 6
    assert services["ipify"].url == "https://api.ipify.org/"
    assert services["ipify"].operator == "ipify"


def test_a_service_can_be_switched_off(tmp_path):
    assert "ident-me" not in loaded(tmp_path, "[ident-me]\nenabled = false\n")


OWN = '[own]\noperator = "Me"\nurl = "https://ip.example.org/"\nparser = "json"\n'


def test_a_place_without_internet_names_its_own_services_alone(tmp_path):
    assert list(loaded(tmp_path, f"shipped = false\n{OWN}")) == ["own"]
    assert len(loaded(tmp_path, f"shipped = true\n{OWN}")) == 7


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[own", "It is not TOML"),
        ("own = 1", "It is a whole number. It has to be a table."),
        ('shipped = "no"', "It is a text. It has to be true or false"),
        ("[shipped]", "It is a table. It has to be true or false"),
        ('[own]\nurl = "https://x.example/"\nparser = "plain"\n', "operator in"),
        ('[own]\noperator = "Me"\nurl = "https://x.example/"\nparser = "xml"\n', "There is no such parser"),
        ('[own]\noperator = 5\nurl = "https://x.example/"\nparser = "plain"\n', "It has to be a text"),
        ('[own]\noperator = "Me"\nurl = "http://x.example/"\nparser = "plain"\n', "https://"),
        ("[ipify]\nenable = false\n", "enable in"),
        ('[ipify]\nenabled = "no"\n', "It has to be true or false"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_its_place(tmp_path, text, told):
    with pytest.raises(WizardError) as caught:
        loaded(tmp_path, text)

    assert caught.value.code in {"settings.invalid", "settings.unreadable"}
    assert "services.toml" in caught.value.what
    assert told in " ".join(caught.value.sentences())
    assert caught.value.advice


def test_a_service_on_this_machine_may_speak_http(tmp_path):
    services = loaded(tmp_path, '[own]\noperator = "Me"\nurl = "http://127.0.0.1:8000/ip"\nparser = "plain"\n')

    assert "own" in services
