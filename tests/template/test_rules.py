"""Parameters that cannot work are refused before anything is made."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.template.cloudformation import refused
from tests.template.conftest import CHOICES, GIVEN_NETWORK, GIVEN_SECRET, MADE_SECRET, Stack

URL = {"DatabaseUrl": MADE_SECRET["DatabaseUrl"]}
# Task size table of the ECS developer guide, in CPU units and MiB.
FARGATE_MEMORY = {
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
}
MISSING = "Give DatabaseUrl, or DatabaseSecretArn when the secret exists already"
BOTH = "Give DatabaseUrl or DatabaseSecretArn, not both"
CA_ALONE = 'DatabaseCa goes with DatabaseUrl; a secret that exists holds its own "ca"'
JWT_ALONE = 'JwtSecret goes with DatabaseUrl; a secret that exists holds its own "jwt_secret"'
TOGETHER = "VpcId, SubnetIds, SecurityGroupIds and AssignPublicIp are given together or not at all"


def test_every_combination_of_choices_is_taken(
    template: dict[str, Any], stacks: list[Stack]
) -> None:
    assert [stack.choice for stack in stacks if refused(template, stack.parameters)] == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, [MISSING]),
        (URL, []),
        (GIVEN_SECRET, []),
        (URL | GIVEN_SECRET, [BOTH]),
        (MADE_SECRET, []),
        (GIVEN_SECRET | {"DatabaseCa": MADE_SECRET["DatabaseCa"]}, [CA_ALONE]),
        (GIVEN_SECRET | {"JwtSecret": "word"}, [JWT_ALONE]),
        ({"JwtSecret": "word"}, [MISSING, JWT_ALONE]),
        # What a guided deployment answers for "none" where it does not echo.
        (URL | {"DatabaseCa": "-", "JwtSecret": "-"}, []),
        (GIVEN_SECRET | dict.fromkeys(MADE_SECRET, "-"), []),
        (dict.fromkeys(MADE_SECRET, "-"), [MISSING]),
    ],
)
def test_there_is_one_database_secret(
    template: dict[str, Any], given: dict[str, str], said: list[str]
) -> None:
    assert refused(template, given) == said


@pytest.mark.parametrize(
    "names",
    [
        names
        for count in range(len(GIVEN_NETWORK) + 1)
        for names in itertools.combinations(GIVEN_NETWORK, count)
    ],
)
def test_network_is_given_whole_or_not_at_all(
    template: dict[str, Any], names: tuple[str, ...]
) -> None:
    given = {name: GIVEN_NETWORK[name] for name in names}
    is_whole = len(given) in (0, len(GIVEN_NETWORK))
    assert refused(template, URL | given) == ([] if is_whole else [TOGETHER])


def test_every_task_size_is_taken_that_fargate_has_and_no_other(
    template: dict[str, Any], nested: dict[str, dict[str, Any]]
) -> None:
    cpus = template["Parameters"]["TrainerCpu"]["AllowedValues"]
    memories = template["Parameters"]["TrainerMemory"]["AllowedValues"]
    threads = nested["stacks/trainer.yaml"]["Mappings"]["ThreadsByCpu"]
    assert threads.keys() == set(cpus)
    for cpu, memory in itertools.product(cpus, memories):
        size = {"TrainerCpu": cpu, "TrainerMemory": memory}
        exists = int(memory) in FARGATE_MEMORY[int(cpu)]
        assert (refused(template, URL | size) == []) is exists, size


def test_every_rule_can_refuse(template: dict[str, Any]) -> None:
    """Each assertion above is one that the template makes: none is left untried."""
    tried = {MISSING, BOTH, CA_ALONE, JWT_ALONE, TOGETHER}
    told = {
        assertion["AssertDescription"]
        for name, rule in template["Rules"].items()
        if not name.startswith("MemoryFor")
        for assertion in rule["Assertions"]
    }
    assert told == tried


@pytest.mark.parametrize(
    ("parameter", "text", "is_allowed"),
    [
        ("DatabaseUrl", "postgresql://u:p%40%2F@aws-0-eu.pooler.supabase.com:6543/postgres", True),
        ("DatabaseUrl", "postgres://u:p@h/d?sslmode=require", True),
        ("DatabaseUrl", "mysql://u:p@h/d", False),
        ("DatabaseUrl", 'postgresql://u:p"@h/d', False),
        ("DatabaseUrl", "postgresql://u:p\\@h/d", False),
        ("DatabaseUrl", "postgresql://u:p @h/d", False),
        ("DatabaseCa", MADE_SECRET["DatabaseCa"], True),
        ("DatabaseCa", MADE_SECRET["DatabaseCa"].replace(r"\n", "\n"), False),
        ("DatabaseCa", MADE_SECRET["DatabaseCa"] + '"', False),
        ("DatabaseCa", MADE_SECRET["DatabaseCa"] + "\\", False),
        ("JwtSecret", "c3VwZXIt/secret+jwt==", True),
        ("JwtSecret", 'a"b', False),
        ("JwtSecret", r"a\b", False),
        ("DatabaseSecretArn", GIVEN_SECRET["DatabaseSecretArn"], True),
        ("DatabaseSecretArn", "my-secret", False),
        ("VpcId", "vpc-0a1b2c3d", True),
        ("VpcId", "subnet-0a1b2c3d", False),
        ("SubnetIds", "subnet-0a1b2c3d,subnet-1a1b2c3d", True),
        ("SubnetIds", "subnet-0a1b2c3d", False),
        ("SubnetIds", "subnet-0a1b2c3d, subnet-1a1b2c3d", False),
        ("SecurityGroupIds", "sg-0a1b2c3d", True),
        ("SecurityGroupIds", "sg-0,sg-1,sg-2,sg-3,sg-4,sg-5", False),
        ("NotificationEmail", "people@example.com", True),
        ("NotificationEmail", "people", False),
        ("CorsOrigins", "https://studio.example.com,http://localhost:5173", True),
        ("CorsOrigins", "*", False),
        ("CorsOrigins", "https://*.example.com", False),
        ("CorsOrigins", "https://studio.example.com/", False),
        ("CorsOrigins", "https://a.example.com, https://b.example.com", False),
        ("JwtIssuer", "https://project.supabase.co/auth/v1", True),
        ("JwtIssuer", "http://project.supabase.co/auth/v1", False),
        ("JwtIssuer", "https://", False),
        ("JwtAudience", "authenticated", True),
        ("JwtAudience", "", False),
        ("ChecksPerSecond", 0, True),
        ("ChecksPerSecond", -1, False),
        ("DispatcherConcurrency", -1, False),
        ("LogRetentionDays", 30, True),
        ("LogRetentionDays", 31, False),
        ("Architecture", "arm64", True),
        ("Architecture", "x86", False),
        ("UseSpot", "yes", False),
    ],
)
def test_parameter_takes_nothing_that_would_not_work(
    template: dict[str, Any], parameter: str, text: Any, is_allowed: bool
) -> None:
    said = refused(template, {parameter: text})
    assert (f"{parameter}: {text!r}" not in said) is is_allowed


def test_every_choice_is_a_parameter_and_every_empty_one_may_be_empty(
    template: dict[str, Any],
) -> None:
    chosen = {name for choice in CHOICES.values() for given in choice.values() for name in given}
    assert chosen <= template["Parameters"].keys()
    assert [line for line in refused(template, {}) if line != MISSING] == []
