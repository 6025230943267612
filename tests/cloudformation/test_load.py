"""Parsing of any file: the result is a document or one message."""

import json
import re
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from color_mesh.cloudformation import Files, load
from color_mesh.cloudformation.load import parse
from color_mesh.model import MeshError
from color_mesh.model.errors import printable

DEEP = 100_000


def written(folder: Path, text: str | bytes, name: str = "file.yaml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(path: Path) -> str:
    """Return the message for an invalid file, without the path."""
    with pytest.raises(MeshError) as caught:
        load(path)
    return str(caught.value).removeprefix(printable(f"{path}: "))


@pytest.mark.parametrize(
    ("name", "text", "document"),
    [
        pytest.param("a.json", '{"a": [1, 2.5, true, null, "b"]}', {"a": [1, 2.5, True, None, "b"]}, id="json"),
        pytest.param("a.template", '\n\t {"a": "b\\/c"}', {"a": "b/c"}, id="template-of-json"),
        pytest.param("a.template", "a: !Ref B", {"a": {"Ref": "B"}}, id="template-of-yaml"),
        pytest.param("a", '{"a": "b\\/c"}', {"a": "b/c"}, id="json-without-suffix"),
        pytest.param("a.yml", "{a: !Ref B}", {"a": {"Ref": "B"}}, id="yaml-in-json-style"),
    ],
)
def test_format_is_recognized(name: str, text: str, document: dict[str, Any], tmp_path: Path) -> None:
    assert load(written(tmp_path, text, name)) == document


@pytest.mark.parametrize(
    ("text", "document"),
    [
        pytest.param(b'\xef\xbb\xbf{"a": 1}', {"a": 1}, id="byte-order-mark"),
        pytest.param("a: [1, 2.5, true, null, b]", {"a": [1, 2.5, True, None, "b"]}, id="yaml"),
        pytest.param("a: 2010-09-09", {"a": "2010-09-09"}, id="date-is-text"),
        pytest.param("1: a\ntrue: b", {"1": "a", "true": "b"}, id="keys-are-text"),
        pytest.param("a: !Ref B", {"a": {"Ref": "B"}}, id="ref"),
        pytest.param("a: !Condition B", {"a": {"Condition": "B"}}, id="condition"),
        pytest.param("a: !GetAtt B.C.D", {"a": {"Fn::GetAtt": ["B", "C.D"]}}, id="get-att"),
        pytest.param("a: !GetAtt [B, C]", {"a": {"Fn::GetAtt": ["B", "C"]}}, id="get-att-list"),
        pytest.param("a: !Sub '${B}-c'", {"a": {"Fn::Sub": "${B}-c"}}, id="sub"),
        pytest.param(
            "a: !Sub ['${B}', {B: !Ref C}]", {"a": {"Fn::Sub": ["${B}", {"B": {"Ref": "C"}}]}}, id="sub-variables"
        ),
        pytest.param(
            "a: !Join ['-', !Split [',', !ImportValue b]]",
            {"a": {"Fn::Join": ["-", {"Fn::Split": [",", {"Fn::ImportValue": "b"}]}]}},
            id="functions-in-functions",
        ),
        pytest.param(
            "a: !If [B, !Select [0, [c]], !FindInMap [d, e, f]]",
            {"a": {"Fn::If": ["B", {"Fn::Select": [0, ["c"]]}, {"Fn::FindInMap": ["d", "e", "f"]}]}},
            id="if",
        ),
        pytest.param(
            "a: !Not [!And [!Equals [b, c], !Or [!Condition D]]]",
            {"a": {"Fn::Not": [{"Fn::And": [{"Fn::Equals": ["b", "c"]}, {"Fn::Or": [{"Condition": "D"}]}]}]}},
            id="conditions",
        ),
        pytest.param("a: !Base64 b", {"a": {"Fn::Base64": "b"}}, id="base64"),
        pytest.param("a: !Length [b]", {"a": {"Fn::Length": ["b"]}}, id="length"),
        pytest.param("a: !ToJsonString {b: c}", {"a": {"Fn::ToJsonString": {"b": "c"}}}, id="to-json-string"),
        pytest.param("a: !GetStackOutput {b: c}", {"a": {"Fn::GetStackOutput": {"b": "c"}}}, id="get-stack-output"),
        pytest.param("a: &a [1]\nb: *a", {"a": [1], "b": [1]}, id="alias"),
        pytest.param(
            "a: &a {b: 1, c: 2}\nd: {<<: *a, c: 3}", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}, id="merge"
        ),
        pytest.param(
            "a: &a {c: 1}\nb: &b {c: 2, d: 2}\ne: {<<: [*a, *b]}",
            {"a": {"c": 1}, "b": {"c": 2, "d": 2}, "e": {"c": 1, "d": 2}},
            id="merge-of-several",
        ),
    ],
)
def test_valid_file_is_parsed(text: str | bytes, document: dict[str, Any], tmp_path: Path) -> None:
    assert load(written(tmp_path, text)) == document


LAUGHS = "a0: &a0 [ha, ha]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
MERGED_LAUGHS = "a0: &a0 {ha: ha}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 60)
)
TALL = "a0: &a0 [ha]\n" + "".join(f"a{n}: &a{n} {'[' * 30}*a{n - 1}{']' * 30}\n" for n in range(1, 60))
TOO_DEEP = "is nested too deeply, got 'more than 100 levels' (remove levels, or an alias that contains itself)"
TWICE = "has a duplicate key, got 'a' (remove or rename one of them)"


def broken(where: str) -> str:
    return f"is not valid YAML, got '{where}' (correct it there)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "is not an object, got 'NoneType' (keys and values at its top)", id="empty"),
        pytest.param(" \n\t", broken("line 2, column 1: found character that cannot start any token"), id="tab"),
        pytest.param("[1]", "is not an object, got 'list' (keys and values at its top)", id="list"),
        pytest.param("text", "is not an object, got 'str' (keys and values at its top)", id="text"),
        pytest.param(b"\xff\xfe{", "is not text, got 'byte 0 is not UTF-8' (JSON or YAML)", id="utf-16"),
        pytest.param(bytes(range(256)), "is not text, got 'byte 128 is not UTF-8' (JSON or YAML)", id="binary"),
        pytest.param(
            b"a: \x00\x01",
            broken("unacceptable character #x0000: control characters are not allowed"),
            id="control-characters",
        ),
        pytest.param(
            "a: 0x" + "f" * 1000, "has a number that is too large, got '4000 bits' (at most 1000 bits)", id="number"
        ),
        pytest.param(
            "a: " + "1" * 5000,
            "is not valid YAML, got 'a number of too many digits' (write values that match their tags)",
            id="digits",
        ),
        pytest.param("b: {a: 1, a: 2}", TWICE, id="key-twice"),
        pytest.param(
            "a: b: c", broken("line 1, column 5: mapping values are not allowed in this context"), id="no-mapping"
        ),
        pytest.param(
            "a: [1",
            "is not valid YAML, got \"line 2, column 1: did not find expected ',' or ']'\" (correct it there)",
            id="half",
        ),
        pytest.param("a: 1\n---\nb: 2", broken("line 2, column 1: but found another document"), id="two-documents"),
        pytest.param("? [a]\n: b", broken("line 1, column 1: a key that is not text"), id="list-as-key"),
        pytest.param(
            "a: {<<: b}", broken("line 1, column 9: a merge of a value that is not a mapping"), id="merge-of-text"
        ),
        pytest.param("a: *b", broken("line 1, column 4: found undefined alias"), id="unknown-alias"),
        pytest.param("a: !Ref !Ref b", broken("line 1, column 9: did not find expected key"), id="two-tags"),
        pytest.param(
            "a: !!python/object:os.system {}",
            'is not valid YAML, got "line 1, column 4: could not determine a constructor for the tag '
            "'tag:yaml.org,2002:python/object:os.system'\" (correct it there)",
            id="python",
        ),
        pytest.param(
            "a: !!int b",
            "is not valid YAML, got 'invalid literal for int() with base 10' (write values that match their tags)",
            id="no-number",
        ),
        pytest.param(
            "a: !!bool b", "is not valid YAML, got \"'b'\" (write values that match their tags)", id="no-truth-value"
        ),
        pytest.param(
            LAUGHS,
            "is too large when expanded, got '4611686018427387901 values' (at most 400000, with aliases expanded)",
            id="billion-laughs",
        ),
        pytest.param(TALL, TOO_DEEP, id="tall-aliases"),
        pytest.param(
            "a: &a [*a]", broken("line 1, column 4: found unconstructable recursive node"), id="list-in-itself"
        ),
        pytest.param("&a {a: *a}", TOO_DEEP, id="mapping-in-itself"),
        pytest.param(
            "a: &a {<<: *a}", broken("line 1, column 4: found unconstructable recursive node"), id="merge-of-itself"
        ),
        pytest.param("a: " + "[" * DEEP, TOO_DEEP, id="deep-lists"),
        pytest.param("a: " + "{a: " * DEEP, TOO_DEEP, id="deep-mappings"),
        pytest.param("a" * 1_000_001, "is too large, got '1000001 bytes' (at most 1000000)", id="large"),
        pytest.param("a" * 5_000_000, "is too large, got '5000000 bytes' (at most 1000000)", id="5-mb"),
    ],
)
def test_invalid_yaml_is_rejected_with_one_message(text: str | bytes, message: str, tmp_path: Path) -> None:
    assert refusal(written(tmp_path, text)) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "is not valid JSON, got 'line 1, column 1: Expecting value' (correct it there)", id="empty"),
        pytest.param("[1]", "is not an object, got 'list' (keys and values at its top)", id="list"),
        pytest.param(
            '{"a": ', "is not valid JSON, got 'line 1, column 7: Expecting value' (correct it there)", id="half"
        ),
        pytest.param(
            '{"a": 1}\n}',
            "is not valid JSON, got 'line 2, column 1: Extra data' (correct it there)",
            id="more-than-json",
        ),
        pytest.param(
            '{"a": ' + "1" * 5000 + "}",
            "is not valid JSON, got 'a number of too many digits' (correct it there)",
            id="digits",
        ),
        pytest.param(
            '{"a": ' + "1" * 1000 + "}",
            "has a number that is too large, got '3319 bits' (at most 1000 bits)",
            id="number",
        ),
        pytest.param(
            '{"a": "\\ud800"}',
            "has an unpaired surrogate, got '\\ud800' (write a complete character)",
            id="half-a-character",
        ),
        pytest.param(
            '{"\\udfff": 1}', "has an unpaired surrogate, got '\\udfff' (write a complete character)", id="half-in-key"
        ),
        pytest.param('{"b": {"a": 1, "a": 2}}', TWICE, id="key-twice"),
        pytest.param('{"a":' * 101 + "1" + "}" * 101, TOO_DEEP, id="101-levels"),
        pytest.param('{"a":' * DEEP, TOO_DEEP, id="deep-objects"),
        pytest.param("[" * DEEP + "]" * DEEP, TOO_DEEP, id="deep-lists"),
    ],
)
def test_invalid_json_is_rejected_with_one_message(text: str, message: str, tmp_path: Path) -> None:
    assert refusal(written(tmp_path, text, "file.json")) == message


def test_nested_merges_take_linear_time(tmp_path: Path) -> None:
    assert load(written(tmp_path, MERGED_LAUGHS))["a59"] == {"ha": "ha"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param(
            "nowhere",
            "cannot be read, got 'No such file or directory' (give an existing file or folder)",
            id="none",
        ),
        pytest.param(".", "cannot be read, got 'Is a directory' (give an existing file or folder)", id="folder"),
        pytest.param(
            "a" * 300, "cannot be read, got 'File name too long' (give an existing file or folder)", id="long"
        ),
        pytest.param("a\0b", "cannot be read, got 'embedded null byte' (give an existing file or folder)", id="null"),
    ],
)
def test_unreadable_file_is_rejected_with_one_message(name: str, message: str, tmp_path: Path) -> None:
    assert refusal(tmp_path / name) == message


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "a: &a {" + ", ".join(f"k{n}: 1" for n in range(2_000)) + "}\nb: {" + "<<: *a, " * 2_000 + "}", id="keys"
        ),
        pytest.param(
            "a: &a {" + ", ".join(f"k{n}: 1" for n in range(2_000)) + "}\nb: {<<: [" + "*a, " * 5_000 + "]}",
            id="list",
        ),
    ],
)
def test_too_many_merged_keys_are_rejected(tmp_path: Path, text: str) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(text)
    with pytest.raises(MeshError, match="has a duplicate key, got '<<'|merges of more than 400000 keys"):
        load(file)


def test_duplicate_key_in_a_large_mapping_is_detected_fast(tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    file.write_text("{" + ", ".join(f'"k{n}": 1' for n in range(60_000)) + ', "x": 1, "x": 2}')
    with pytest.raises(MeshError, match="has a duplicate key, got 'x'"):
        load(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("{}" * 3_000_000, "is not valid JSON, got 'more than 10000 documents'", id="documents"),
        pytest.param("[" + "{}," * 1_000_000 + "{}]", "has too many values, got 'more than 400000'", id="values"),
        pytest.param(" " * 10_000_001, "is too large, got '10000001 bytes' (at most 10000000)", id="bytes"),
    ],
)
def test_large_json_is_rejected_fast(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "t.tfstate"
    file.write_text(text)
    start = process_time()
    with pytest.raises(MeshError, match=re.escape(message)):
        parse(file)
    assert process_time() - start < 5


def test_template_may_not_be_as_large_as_other_json(tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    file.write_text(json.dumps({"Resources": {}, "Description": "a" * 1_000_000}))
    with pytest.raises(MeshError, match="is too large, got '10000.. bytes'"):
        parse(file)


@pytest.mark.parametrize("value", ["!!set {a}", "!!binary aGk=", ".nan", "-.inf", "!!timestamp 2026-01-01"])
def test_unsupported_value_is_rejected(tmp_path: Path, value: str) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(f"Resources: {{A: {value}}}")
    with pytest.raises(
        MeshError, match=r"has a value that templates do not support, got .* \(text, a number, true, false"
    ):
        load(file)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_device_is_rejected(path: str) -> None:
    with pytest.raises(MeshError, match=r"is not a regular file, got 'crw-rw-rw-' \(give a file or folder\)"):
        load(Path(path))


def test_link_to_itself_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "loop.json").symlink_to("loop.json")
    with pytest.raises(MeshError, match="cannot be read, got 'Too many levels of symbolic links'"):
        Files().load(tmp_path / "loop.json")
