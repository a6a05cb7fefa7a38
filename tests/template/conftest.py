"""The template as plain data: `!GetAtt X.Arn` is {"Fn::GetAtt": ["X", "Arn"]}, and so on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]


class TemplateLoader(yaml.SafeLoader):
    """SafeLoader that knows CloudFormation's short forms."""


def _intrinsic(loader: TemplateLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.SequenceNode):
        return {f"Fn::{name}": loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.ScalarNode)
    value = loader.construct_scalar(node)
    if name == "GetAtt":
        return {"Fn::GetAtt": value.split(".", 1)}
    return {"Ref" if name == "Ref" else f"Fn::{name}": value}


TemplateLoader.add_multi_constructor("!", _intrinsic)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), TemplateLoader)
    return loaded
