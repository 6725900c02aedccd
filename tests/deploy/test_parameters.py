"""What dynaurora.toml says for parameters of the templates, as the templates take it."""

import pytest

from dynaurora.deploy.keys import PIPELINE_SIZES, TABLE_SIZES
from dynaurora.deploy.own import AURORA_PARAMETERS, NETWORK_PARAMETERS
from dynaurora.deploy.parameters import (
    AURORA,
    LOG_RETENTION,
    NETWORK,
    PIPELINE,
    TABLE,
    Number,
    OneOf,
    Text,
)
from dynaurora.deploy.project import read_project
from dynaurora.errors import ProjectError
from support.templates import template

RULES = {"aurora": AURORA, "network": NETWORK, "pipeline": PIPELINE, "table": TABLE}
SAID = {
    "aurora": AURORA_PARAMETERS,
    "network": NETWORK_PARAMETERS,
    "pipeline": PIPELINE_SIZES,
    "table": TABLE_SIZES,
}
CONSTRAINTS = ("AllowedPattern", "AllowedValues", "MaxValue", "MinValue")


def constraints(rule):
    """A rule in the words of a template."""
    match rule:
        case Number(least=least, most=most):
            return {"MinValue": least} | ({} if most is None else {"MaxValue": most})
        case OneOf(values=values):
            return {"AllowedValues": list(values)}
        case Text(pattern=pattern):
            return {"AllowedPattern": pattern}
        case _:
            return {}


def said(parameter):
    found = {name: parameter[name] for name in CONSTRAINTS if name in parameter}
    if "AllowedValues" in found:
        found["AllowedValues"] = [str(value) for value in found["AllowedValues"]]
    return found


@pytest.mark.parametrize("name", RULES)
def test_each_rule_is_that_of_the_template_and_none_is_missing(name):
    parameters, rules = template(name)["Parameters"], RULES[name]
    assert rules.keys() <= SAID[name]
    for each in SAID[name]:
        if rules.get(each) is not LOG_RETENTION:
            assert (each, constraints(rules.get(each))) == (each, said(parameters[each]))


@pytest.mark.parametrize("name", RULES)
def test_what_a_template_takes_by_default_is_taken(name):
    for each, rule in RULES[name].items():
        assert rule.holds(str(template(name)["Parameters"][each]["Default"])), each


@pytest.fixture
def read(tmp_path):
    """The project of a dynaurora.toml with this in it."""
    (tmp_path / "sqlqueries").mkdir()

    def found(text, **environment):
        (tmp_path / "dynaurora.toml").write_text(f'project = "shop"\n{text}')
        return read_project(tmp_path, environment=environment)

    return found


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("MinCapacity = 0.7", 'MinCapacity: is "0.7"; expected a multiple of 0.5 from 0 to 256'),
        ("MinCapacity = -1", "MinCapacity: is"),
        ("MaxCapacity = 0.5", "MaxCapacity: is .*a multiple of 0.5 from 1 to 256"),
        ("MaxCapacity = 256.5", "MaxCapacity: is"),
        ("MaxCapacity = inf", "MaxCapacity: is"),
        ("MaxCapacity = true", "MaxCapacity: is"),
        ('MaxCapacity = "٨"', "MaxCapacity: is"),
        ("MinCapacity = 9", "MinCapacity: is 9, and MaxCapacity is 8"),
        ("MinCapacity = 4\nMaxCapacity = 2", "MinCapacity: is 4, and MaxCapacity is 2"),
        ('Engine = "oracle"', "Engine: is .*postgresql or mysql"),
        ('Database = "Shop"', "Database: is .*small letters"),
        ('Database = "app\\n"', "Database: is"),
        ('User = "admin-1"', "User: is .*at most 32 characters"),
        ("BackupRetentionDays = 0", "BackupRetentionDays: is .*from 1 to 35"),
        ("MonitoringSeconds = 2", "MonitoringSeconds: is .*0, 1, 5, 10, 15, 30 or 60"),
        ('Standby = "yes"', "Standby: is .*true or false"),
        ("LogRetentionDays = 10", "LogRetentionDays: is .*7, 14, 30"),
    ],
)
def test_a_cluster_that_its_template_refuses_is_refused_before(read, line, told):
    with pytest.raises(ProjectError, match=told) as raised:
        read(f"[network]\n[aurora]\n{line}\n")
    assert raised.value.where.startswith("dynaurora.toml: aurora: ")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Zones = 5", 'network: Zones: is "5"; expected 2 or 3'),
        ('Nat = "yes"', "network: Nat: is .*true or false"),
        ('ZoneNames = ["eu-west-1a"]', "ZoneNames: is .*expected 2 zones"),
        ('Zones = 3\nZoneNames = ["a", "b", "a"]', "ZoneNames: is .*expected 3 zones"),
        ('ZoneNames = ["a", " b"]', "ZoneNames: is .*expected 2 zones"),
        ('Addresses = "10.0.0.0/24"', "network: Addresses: is .*10.82.0.0/20"),
    ],
)
def test_a_network_that_its_template_refuses_is_refused_before(read, line, told):
    with pytest.raises(ProjectError, match=told):
        read(f"[network]\n{line}\n[aurora]\n")


def test_as_many_zones_as_there_are_to_be_may_be_named(read):
    named = read('[network]\nZones = 3\nZoneNames = ["a", "b", "c"]\n[aurora]\n').own.network
    assert named["ZoneNames"] == "a,b,c"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("BufferSeconds = 901", 'sizes: BufferSeconds: is "901"; .*whole number from 0 to 900'),
        ("LoadTimeoutSeconds = 90", "LoadTimeoutSeconds: is .*60, 120, 300, 600 or 900"),
        ("LoadConcurrency = 1", "LoadConcurrency: is .*from 2 to 1000"),
        ("NoncurrentDays = 0", "NoncurrentDays: is .*from 1[.]"),
        ("ArchiveExpiresAfterDays = -1", "ArchiveExpiresAfterDays: is .*from 0[.]"),
    ],
)
def test_a_size_that_its_template_refuses_is_refused_before(read, line, told):
    with pytest.raises(ProjectError, match=told):
        read(f'[database]\nurl = "postgresql://host/db"\n[sizes]\n{line}\n')


def test_a_capacity_is_said_in_any_form_of_a_number(read):
    for form in ("0", "0.0", '"0"'):
        cluster = read(
            f"[network]\n[aurora]\nMinCapacity = {form}\nMaxCapacity = 2.5\n"
        ).own.cluster
        assert (cluster["MinCapacity"], cluster["MaxCapacity"]) == ("0", "2.5")
