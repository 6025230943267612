"""YAML loader for templates."""

from collections.abc import Iterator
from typing import Any, ClassVar

import yaml

MAX_VALUES = 400_000  # Including keys.
MAX_NUMBER_LENGTH = 2000
TOO_MANY_DIGITS = "a number of too many digits"

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class DuplicateKey(Exception):
    """A duplicate merge key of a YAML mapping."""


class TemplateLoader(Loader):  # type: ignore[misc, valid-type]
    """YAML loader with CloudFormation's tags, and with timestamps as text."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in Loader.yaml_implicit_resolvers.items()
    }

    _merged_keys = 0

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.duplicate_keys: dict[str, None] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:
        """Construct a mapping with keys that are text. Of a key that occurs twice, the last value counts.

        Raises:
            DuplicateKey: If a merge key occurs twice.
        """
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        merging: set[str] = set()
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                if key.value in merging:
                    raise DuplicateKey(key.value)
                merging.add(key.value)
                merged = self._construct_merged(value)
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key that is not text", problem_mark=node.start_mark)
            if key.value in own:
                self.duplicate_keys[key.value] = None
            own[key.value] = self.construct_object(value, deep=True)
        return {**merged, **own}

    def _construct_merged(self, node: yaml.Node) -> dict[str, Any]:
        """Construct the value of a merge key (``<<``), without PyYAML's copies for each level of nested merges."""
        value = self.construct_object(node, deep=True)
        merged: dict[str, Any] = {}
        for mapping in value if isinstance(value, list) else [value]:
            if not isinstance(mapping, dict):
                raise yaml.MarkedYAMLError(
                    problem="a merge of a value that is not a mapping", problem_mark=node.start_mark
                )
            # The number of merged keys is limited, since merging many large mappings takes long.
            self._merged_keys += len(mapping)
            if self._merged_keys > MAX_VALUES:
                raise yaml.MarkedYAMLError(
                    problem=f"merges of more than {MAX_VALUES} keys", problem_mark=node.start_mark
                )
            # The first of several mappings with a key takes precedence.
            for key, item in mapping.items():
                merged.setdefault(key, item)
        return merged

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        """Construct a number of a limited length: PyYAML takes quadratic time for sexagesimal ones."""
        if len(node.value) > MAX_NUMBER_LENGTH:
            raise ValueError(TOO_MANY_DIGITS)
        number: int | float = (
            self.construct_yaml_int(node) if node.tag.endswith("int") else self.construct_yaml_float(node)
        )
        return number

    def construct_tagged(self, name: str, node: yaml.Node) -> dict[str, Any]:
        """Construct the full form of a function from its short form, such as ``Fn::Sub`` from ``!Sub``."""
        if isinstance(node, yaml.ScalarNode):
            value: Any = self.construct_scalar(node)
        elif isinstance(node, yaml.MappingNode):
            value = self.construct_mapping(node, deep=True)
        else:
            value = self.construct_sequence(node, deep=True)
        if name == "GetAtt" and isinstance(value, str):
            value = value.split(".", 1)
        return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


def _construct_map(loader: TemplateLoader, node: yaml.MappingNode) -> Iterator[dict[str, Any]]:
    # In two steps, as PyYAML requires for mappings that contain an alias of themselves.
    mapping: dict[str, Any] = {}
    yield mapping
    mapping.update(loader.construct_mapping(node))


TemplateLoader.add_constructor("tag:yaml.org,2002:map", _construct_map)
TemplateLoader.add_constructor("tag:yaml.org,2002:int", TemplateLoader.construct_number)
TemplateLoader.add_constructor("tag:yaml.org,2002:float", TemplateLoader.construct_number)
TemplateLoader.add_multi_constructor("!", TemplateLoader.construct_tagged)
