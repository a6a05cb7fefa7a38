"""The template as plain data, as SAM transforms it, and as each choice of parameters deploys it."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autoretrain_local.template import TEMPLATE, load
from tests.sam import SCAN
from tests.template.cloudformation import deployed, with_nested

# What `sam validate` does, with what comes of it: nobody outside is asked.
TRANSFORM = """
import json, sys
from samcli.lib.translate.sam_template_validator import SamTemplateValidator
from samcli.yamlhelper import yaml_parse

class NoManagedPolicies:
    def load(self):
        raise SystemExit("roles are written out: no policy of AWS's or SAM's own is used")

template = yaml_parse(open(sys.argv[1]).read())
validator = SamTemplateValidator(template, NoManagedPolicies(), region="eu-central-1")
json.dump(yaml_parse(validator.get_translated_template_if_valid()), sys.stdout)
"""

# Values that nothing else in the template has, so that they are found wherever they end up.
MADE_SECRET = {
    "DatabaseUrl": "postgresql://planted-login:planted-word@planted-host:6543/planted",
    "DatabaseCa": r"-----BEGIN CERTIFICATE-----\nPLANTED+CA=\n-----END CERTIFICATE-----\n",
    "JwtSecret": "planted-jwt-secret",
}
GIVEN_SECRET = {
    "DatabaseSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:theirs-a1B2c3"
}
GIVEN_NETWORK = {
    "VpcId": "vpc-0a1b2c3d4e5f60718",
    "SubnetIds": "subnet-0a1b2c3d4e5f60718,subnet-0b1b2c3d4e5f60718",
    "SecurityGroupIds": "sg-0a1b2c3d4e5f60718",
    "AssignPublicIp": "DISABLED",
}
RESERVED = {
    "DispatcherConcurrency": 1,
    "ConditionCheckConcurrency": 20,
    "ApiConcurrency": 30,
    "RetrainConcurrency": 5,
}
# Each choice, and the parameters that it stands for: everything that changes what is deployed.
CHOICES: Mapping[str, Mapping[Any, Mapping[str, Any]]] = {
    "secret": {"made": MADE_SECRET, "given": GIVEN_SECRET},
    "network": {"own": {}, "given": GIVEN_NETWORK},
    "spot": {False: {}, True: {"UseSpot": "true"}},
    "schedule": {True: {}, False: {"ScheduleState": "DISABLED"}},
    "email": {False: {}, True: {"NotificationEmail": "people@example.com"}},
    "reserved": {False: {}, True: RESERVED},
    "traced": {False: {}, True: {"Tracing": "Active"}},
    "architecture": {"x86_64": {}, "arm64": {"Architecture": "arm64"}},
}


@dataclass(frozen=True)
class Stack:
    """What a choice of parameters deploys: all of it, and what of it the root itself deploys."""

    choice: Mapping[str, Any]
    parameters: Mapping[str, Any]
    root: dict[str, dict[str, Any]]
    resources: dict[str, dict[str, Any]]
    outputs: dict[str, dict[str, Any]]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of the resources of a type."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    @property
    def functions(self) -> dict[str, dict[str, Any]]:
        return self.of_type("AWS::Lambda::Function")

    @property
    def zipped(self) -> dict[str, dict[str, Any]]:
        """The functions that run on AWS: all but the image."""
        return {n: of for n, of in self.functions.items() if of.get("PackageType") != "Image"}

    def variables(self, function: str) -> dict[str, Any]:
        told: dict[str, Any] = self.functions[function]["Environment"]["Variables"]
        return told

    @property
    def task(self) -> dict[str, Any]:
        (only,) = self.of_type("AWS::ECS::TaskDefinition").values()
        return only

    @property
    def container_variables(self) -> dict[str, Any]:
        (container,) = self.task["ContainerDefinitions"]
        return {entry["Name"]: entry["Value"] for entry in container["Environment"]}

    def role(self, name: str) -> list[dict[str, Any]]:
        """Every statement of a role, those of its managed policies included."""
        role = self.resources[name]["Properties"]
        documents = [policy["PolicyDocument"] for policy in role.get("Policies", [])]
        for policy in role.get("ManagedPolicyArns", []):
            documents.append(self.resources[policy["Ref"]]["Properties"]["PolicyDocument"])
        return [statement for document in documents for statement in document["Statement"]]


@pytest.fixture(scope="session")
def root() -> Path:
    return TEMPLATE.parent


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    return load(TEMPLATE)


@pytest.fixture(scope="session")
def transformed() -> dict[str, Any]:
    command: list[str | Path] = [SCAN / "bin/python", "-c", TRANSFORM, TEMPLATE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


@pytest.fixture(scope="session")
def stacks(transformed: dict[str, Any], nested: dict[str, dict[str, Any]]) -> list[Stack]:
    """What every combination of choices deploys."""
    made = []
    for chosen in itertools.product(*CHOICES.values()):
        choice = dict(zip(CHOICES, chosen, strict=True))
        parameters: dict[str, Any] = {}
        for name, value in choice.items():
            parameters |= CHOICES[name][value]
        root = deployed(transformed, parameters)
        whole = with_nested(root, nested)
        made.append(
            Stack(choice, parameters, root["Resources"], whole["Resources"], whole["Outputs"])
        )
    return made


@pytest.fixture(scope="session")
def stack(stacks: list[Stack]) -> Stack:
    """What the defaults deploy: the first of each choice."""
    return stacks[0]


@pytest.fixture(scope="session")
def nested(root: Path) -> dict[str, dict[str, Any]]:
    """The templates that the root refers to, by the path that it calls them by."""
    return {str(path.relative_to(root)): load(path) for path in (root / "stacks").glob("*.yaml")}
