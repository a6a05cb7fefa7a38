"""What CloudFormation makes of a template and its parameters, offline: conditions, rules, values.

What only a deployed resource could answer, such as an ARN, stays the reference that it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

Parameters = Mapping[str, Any]
STACK = "arn:aws:cloudformation:eu-central-1:123456789012:stack"
PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::StackName": "auto-retrain",
    "AWS::StackId": f"{STACK}/auto-retrain/5e2f7a10-ea0f-11f0-9c33-0a58a9feac02",
}
NO_VALUE = {"Ref": "AWS::NoValue"}
_VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")


def nodes(tree: Any) -> Iterator[Any]:
    """The tree and everything in it."""
    yield tree
    children = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    for child in children:
        yield from nodes(child)


def defaults(template: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: parameter["Default"]
        for name, parameter in template.get("Parameters", {}).items()
        if "Default" in parameter
    }


def refused(template: Mapping[str, Any], given: Parameters) -> list[str]:
    """What CloudFormation says of these parameters before it makes anything; empty: it goes on."""
    parameters = defaults(template) | dict(given)
    said = [
        f"{name}: {parameters[name]!r}"
        for name, parameter in template["Parameters"].items()
        if not _is_allowed(parameter, parameters[name])
    ]
    truth = _Evaluation(template, {**PSEUDO, **parameters}).truth
    for rule in template.get("Rules", {}).values():
        if truth(rule.get("RuleCondition", True)):
            said += [
                assertion["AssertDescription"]
                for assertion in rule["Assertions"]
                if not truth(assertion["Assert"])
            ]
    return said


def _is_allowed(parameter: Mapping[str, Any], value: Any) -> bool:
    if "AllowedValues" in parameter and str(value) not in map(str, parameter["AllowedValues"]):
        return False
    if parameter["Type"] == "Number":
        least, most = parameter.get("MinValue", value), parameter.get("MaxValue", value)
        return bool(least <= value <= most)
    return re.fullmatch(parameter.get("AllowedPattern", r"[\s\S]*"), value) is not None


def nested_pseudo(name: str) -> dict[str, str]:
    """What the stack that a template nests under this name is called by itself."""
    own = f"auto-retrain-{name}-1QX7ZK2M0D4BT"
    arn = f"{STACK}/{own}/6a90c3d0-ea0f-11f0-b7e5-02c1d8e4f7ab"
    return PSEUDO | {"AWS::StackName": own, "AWS::StackId": arn}


def deployed(
    template: Mapping[str, Any], given: Parameters, pseudo: Parameters = PSEUDO
) -> dict[str, Any]:
    """Resources and Outputs that these parameters bring, with everything known filled in."""
    evaluation = _Evaluation(template, {**pseudo, **defaults(template), **given})
    return {
        section: {
            name: evaluation.value({k: v for k, v in one.items() if k != "Condition"})
            for name, one in template.get(section, {}).items()
            if "Condition" not in one or evaluation.condition(one["Condition"])
        }
        for section in ("Resources", "Outputs")
    }


def with_nested(
    stack: Mapping[str, dict[str, Any]], templates: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The stack and those that it nests as if all were one: what one hands to another as a
    parameter or an output is the resource itself."""
    nested = {
        name: deployed(
            templates[child["Properties"]["TemplateURL"]],
            child["Properties"].get("Parameters", {}),
            nested_pseudo(name),
        )
        for name, child in stack["Resources"].items()
        if child["Type"] == "AWS::CloudFormation::Stack"
    }

    def linked(tree: Any) -> Any:
        match tree:
            case {"Fn::GetAtt": [str(name), str(attribute)]} if name in nested:
                return linked(nested[name]["Outputs"][attribute.removeprefix("Outputs.")]["Value"])
            case dict():
                return {key: linked(value) for key, value in tree.items()}
            case list():
                return [linked(value) for value in tree]
        return tree

    resources = dict(stack["Resources"])
    for child in nested.values():
        assert not resources.keys() & child["Resources"].keys()
        resources |= child["Resources"]
    return {"Resources": linked(resources), "Outputs": linked(stack["Outputs"])}


class _Evaluation:
    def __init__(self, template: Mapping[str, Any], known: Parameters) -> None:
        self._conditions = template.get("Conditions", {})
        self._mappings = template.get("Mappings", {})
        self._known = known

    def condition(self, name: str) -> bool:
        return self.truth(self._conditions[name])

    def truth(self, tree: Any) -> bool:
        match tree:
            case bool():
                return tree
            case {"Condition": str(name)}:
                return self.condition(name)
            case {"Fn::Equals": [one, other]}:
                return str(self.value(one)) == str(self.value(other))
            case {"Fn::Not": [one]}:
                return not self.truth(one)
            case {"Fn::And": several}:
                return all(self.truth(one) for one in several)
            case {"Fn::Or": several}:
                return any(self.truth(one) for one in several)
            case {"Fn::Contains": [several, one]}:
                return self.value(one) in [self.value(other) for other in several]
        raise NotImplementedError(f"no condition: {tree}")

    def value(self, tree: Any) -> Any:
        if isinstance(tree, list):
            return [self.value(one) for one in tree if not self._is_nothing(one)]
        if not isinstance(tree, dict):
            return tree
        if len(tree) == 1:
            ((name, argument),) = tree.items()
            function = self._functions.get(name)
            if function is not None:
                return function(self, argument)
        return {name: self.value(one) for name, one in tree.items() if not self._is_nothing(one)}

    def _is_nothing(self, tree: Any) -> bool:
        match tree:
            case {"Fn::If": [name, one, other]}:
                return self._is_nothing(one if self.condition(name) else other)
        return bool(tree == NO_VALUE)

    def _ref(self, name: str) -> Any:
        return self._known.get(name, {"Ref": name})

    def _if(self, argument: list[Any]) -> Any:
        name, one, other = argument
        return self.value(one if self.condition(name) else other)

    def _find(self, argument: list[Any]) -> Any:
        mapping, first, second = (self.value(one) for one in argument)
        return self._mappings[mapping][first][second]

    def _join(self, argument: list[Any]) -> Any:
        separator, parts = argument[0], self.value(argument[1])
        if isinstance(parts, list) and all(isinstance(part, str) for part in parts):
            return separator.join(parts)
        return {"Fn::Join": [separator, parts]}

    def _split(self, argument: list[Any]) -> Any:
        separator, text = argument[0], self.value(argument[1])
        return text.split(separator) if isinstance(text, str) else {"Fn::Split": [separator, text]}

    def _sub(self, argument: Any) -> Any:
        text, named = argument if isinstance(argument, list) else (argument, {})
        known = {**self._known, **{name: self.value(one) for name, one in named.items()}}

        def filled(found: re.Match[str]) -> str:
            match known.get(found[1]):
                case None:
                    return found[0]
                case {"Ref": str(name)}:
                    return f"${{{name}}}"
                case {"Fn::GetAtt": [str(name), str(attribute)]}:
                    return f"${{{name}.{attribute}}}"
                case dict():
                    return found[0]
                case value:
                    return str(value)

        text = _VARIABLE.sub(filled, text)
        left = {name: known[name] for name in named if f"${{{name}}}" in text}
        if left:
            return {"Fn::Sub": [text, left]}
        return {"Fn::Sub": text} if _VARIABLE.search(text) else text

    _functions: Mapping[str, Callable[[_Evaluation, Any], Any]] = {
        "Ref": _ref,
        "Fn::If": _if,
        "Fn::FindInMap": _find,
        "Fn::Join": _join,
        "Fn::Split": _split,
        "Fn::Sub": _sub,
    }


def references(tree: Any) -> Iterator[tuple[str, str | None]]:
    """Every resource that the tree refers to, with the attribute that it wants of it, if any."""
    for node in nodes(tree):
        match node:
            case {"Ref": str(name)} if not name.startswith("AWS::"):
                yield name, None
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                yield name, attribute
            case {"Fn::GetAtt": str(both)}:
                yield both.split(".", 1)[0], both.split(".", 1)[1]
            case {"Fn::Sub": str(text)}:
                yield from _variables(text, ())
            case {"Fn::Sub": [str(text), dict(named)]}:
                yield from _variables(text, named)


def _variables(text: str, named: Collection[str]) -> Iterator[tuple[str, str | None]]:
    for variable in _VARIABLE.findall(text):
        if not variable.startswith("AWS::") and variable not in named:
            name, _, attribute = variable.partition(".")
            yield name, attribute or None
