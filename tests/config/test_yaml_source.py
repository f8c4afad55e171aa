from __future__ import annotations

import contextlib
import math
import os
import resource
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

import optbench.errors
from optbench.config.node import MAX_DEPTH, MAX_NODES, from_plain
from optbench.config.yaml_composer import MAX_PROBLEMS
from optbench.config.yaml_source import MAX_BYTES, load, parse
from optbench.errors import ConfigError, Mark, Problem

EXPERIMENT = """\
# two optimizers
name: first
dataset: {name: mnist, validation: 5000}
optimizer:
  - name: adam
    betas: [0.9, {grid: [0.99, 0.999]}]
  - {name: sgd, lr: 1e-3}
expect:
"""

MEMORY = 200_000  # kB
CPU_SECONDS = 20  # only so that a file that never ends kills the child and fails the test
LOAD = """
import sys
from pathlib import Path
from optbench.config.yaml_source import load
from optbench.errors import ConfigError
try:
    print(load(Path(sys.argv[1])).plain())
    code = 0
except ConfigError as error:
    print(error)
    code = 2
peak = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
print(peak, file=sys.stderr)
sys.exit(code)
"""


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(text, "a.yaml")
    return caught.value.problems


def only_problem(text: str) -> str:
    (problem,) = problems(text)
    return str(problem)


def load_in_child(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Load a file in a process of its own; its standard error is its peak memory in kB."""
    return subprocess.run(
        [sys.executable, "-c", LOAD, str(path)],
        env={**os.environ, "PYTHONPATH": str(_source_folder()), **environment},
        capture_output=True,
        encoding="utf-8",
        preexec_fn=_limit_cpu,
        timeout=120,  # a child that waits for something fails its test
        check=False,
    )


def _source_folder() -> Path:
    return Path(optbench.errors.__file__).parents[1]


def _limit_cpu() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def test_a_file_becomes_plain_data() -> None:
    assert parse(EXPERIMENT, "a.yaml").plain() == {
        "name": "first",
        "dataset": {"name": "mnist", "validation": 5000},
        "optimizer": [
            {"name": "adam", "betas": [0.9, {"grid": [0.99, 0.999]}]},
            {"name": "sgd", "lr": 0.001},
        ],
        "expect": None,
    }


def test_every_value_and_key_knows_where_it_stands() -> None:
    root = parse(EXPERIMENT, "a.yaml")
    adam, sgd = root.mapping["optimizer"].sequence
    lr = sgd.mapping["lr"]
    assert lr.mark == Mark("a.yaml", 7, 21, "  - {name: sgd, lr: 1e-3}")
    assert lr.width == len("1e-3")
    assert sgd.key_marks["lr"] == (Mark("a.yaml", 7, 17, "  - {name: sgd, lr: 1e-3}"), 2)
    assert (sgd.mark.column, sgd.width) == (5, len("{name: sgd, lr: 1e-3}"))
    assert (adam.mark.line, adam.mark.column, adam.width) == (5, 5, len("name: adam"))


def test_a_value_with_no_line_of_its_own_is_underlined_where_it_would_stand() -> None:
    node = parse("lr:\nname: a\n", "a.yaml").mapping["lr"]
    assert (node.value, node.mark.line, node.mark.column, node.width) == (None, 1, 4, 1)


def test_a_mark_counts_lines_as_an_editor_does() -> None:
    root = parse("# é\r\na: 1\rb:\n  - x #\ttab\n", "a.yaml")
    assert root.mapping["a"].mark.line == 2
    assert root.mapping["b"].sequence[0].mark.line == 4


def test_a_very_long_line_is_not_repeated_in_a_message() -> None:
    text = "a: [" + "1, " * 100 + "007]"
    assert only_problem(text).splitlines() == [
        "a.yaml:1: a[100]: an integer must not start with 0, got '007'",
        "  put it in quotes if it is text",
    ]


def test_quoted_scalars_are_text() -> None:
    text = "['1', \"true\", 'null', \"\", '007']"
    assert parse(text, "a").plain() == ["1", "true", "null", "", "007"]


def test_block_scalars_are_text() -> None:
    assert parse("a: |\n  1\nb: >-\n  2\n", "a").plain() == {"a": "1\n", "b": "2"}


# YAML 1.2.2, example 10.9
def test_the_core_schema_holds_for_a_whole_file() -> None:
    text = """\
A null: null
Also a null: # Empty
Not a null: ""
Booleans: [ true, True, false, FALSE ]
Integers: [ 0, 0o7, 0x3A, -19 ]
Floats: [
  0., -0.0, .5, +12e03, -2E+05 ]
Also floats: [
  .inf, -.Inf, +.INF, .NAN ]
"""
    plain = parse(text, "a.yaml").plain()
    assert isinstance(plain, dict)
    floats = plain.pop("Also floats")
    assert isinstance(floats, list)
    *infinities, nan = floats
    assert infinities == [math.inf, -math.inf, math.inf]
    assert isinstance(nan, float)
    assert math.isnan(nan)
    assert plain == {
        "A null": None,
        "Also a null": None,
        "Not a null": "",
        "Booleans": [True, True, False, False],
        "Integers": [0, 7, 58, -19],
        "Floats": [0.0, -0.0, 0.5, 12000.0, -200000.0],
    }


def test_words_that_yaml_1_1_took_for_booleans_are_text_and_good_keys() -> None:
    text = "{no: yes, on: [off, y], 1:30: 2026-11-22}"
    expected = {"no": "yes", "on": ["off", "y"], "1:30": "2026-11-22"}
    assert parse(text, "a").plain() == expected


def test_an_alias_repeats_what_its_anchor_holds() -> None:
    root = parse("a: &x {lr: 1}\nb: *x\nc: [*x, &x 2, *x]\n", "a.yaml")
    assert root.plain() == {"a": {"lr": 1}, "b": {"lr": 1}, "c": [{"lr": 1}, 2, 2]}
    assert root.mapping["b"].mark.line == 1


def test_an_alias_may_be_a_key() -> None:
    assert parse("a: &x lr\n*x : 1\n", "a.yaml").plain() == {"a": "lr", "lr": 1}


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    text = "a: 007\na: 1\nb: !!int 5\nc: *x\nd: [1e999]\n"
    assert [(found.mark.line, found.key) for found in problems(text)] == [
        *((1, "a"), (2, "a"), (3, "b"), (4, "c"), (5, "d[0]"))
    ]


def test_mistakes_before_a_syntax_error_are_told_with_it() -> None:
    assert [found.mark.line for found in problems("a: 007\nb: [1\n")] == [1, 2]


def test_a_file_of_mistakes_is_given_up() -> None:
    assert len(problems("a: 1\n" * 1000)) == MAX_PROBLEMS


def test_an_error_shows_rule_value_line_and_remedy() -> None:
    assert only_problem("a:\n  lr: 007\n") == (
        "a.yaml:2: a.lr: an integer must not start with 0, got '007'\n"
        "  2 │   lr: 007\n"
        "    │       ^^^  put it in quotes if it is text"
    )


def test_a_duplicate_key_is_refused_with_both_lines() -> None:
    message = only_problem("optimizer:\n  lr: 1\n  'lr': 2\n")
    assert message.startswith(
        "a.yaml:3: optimizer.lr: a key must stand once, is in line 2 already\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1: a", "a key must be text, got 1"),
        ("true: a", "a key must be text, got true"),
        ("?\n: a", "a key must be text, got nothing"),
        ("{0.5: a}", "a key must be text, got 0.5"),
        ("? [a, b]\n: c", "a key must be text, got a list"),
        ("{{a: 1}: b}", "a key must be text, got a mapping"),
    ],
)
def test_a_key_that_is_no_text_is_refused(text: str, message: str) -> None:
    found = only_problem(text)
    assert message in found
    assert found.endswith("put it in quotes")


def test_the_value_of_a_refused_key_is_still_checked() -> None:
    assert [found.message for found in problems("1: {a: 007}")] == [
        "a key must be text, got 1",
        "an integer must not start with 0, got '007'",
    ]


def test_merge_keys_are_refused_in_favour_of_extends() -> None:
    found = only_problem("a: &a {x: 1}\nb:\n  <<: *a\n")
    assert found.startswith("a.yaml:3: b.<<: merge keys are not allowed")
    assert found.endswith("use 'extends: base.yaml'")


def test_a_quoted_merge_key_is_a_key() -> None:
    assert parse("'<<': 1", "a").plain() == {"<<": 1}


@pytest.mark.parametrize(
    "value",
    [
        *("!!python/object/apply:os.system [ls]", "!!int 5", "!!str 5", "!x {a: 1}", "! a"),
        *("!", "!<tag:yaml.org,2002:str> a", "!!binary aGk=", "!!set {a, b}", "!!omap [a: 1]"),
    ],
)
def test_tags_are_refused(value: str) -> None:
    assert "a.yaml:2: b: tags are not allowed, got " in only_problem(f"a: 1\nb: {value}\n")


@pytest.mark.parametrize(
    "text", ["a: &x [*x]", "a: &x {b: *x}", "&x [[[*x]]]", "&x {a: {b: [1, *x]}}"]
)
def test_a_value_that_contains_itself_is_refused(text: str) -> None:
    assert "the alias '*x' contains itself" in only_problem(text)


def test_an_alias_without_an_anchor_is_refused() -> None:
    assert "a.yaml:1: a: the alias '*x' has no anchor" in only_problem("a: *x")


def test_a_second_document_is_refused() -> None:
    assert "a.yaml:3: a file must hold one document" in only_problem("---\na: 1\n--- {b: 1}\n")


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing but a comment", "\ufeff", "%YAML 1.2"])
def test_a_file_without_a_value_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^a\.yaml"):
        parse(text, "a.yaml")


@pytest.mark.parametrize(
    ("text", "name", "line", "column"),
    [
        ("a: 1\nb: \0", "the NUL character", 2, 4),
        ("\x1b[31mred", "the character U+001B", 1, 1),
        ("a: '\x85'", "the character U+0085", 1, 5),
        ("a: \u2028b", "the character U+2028", 1, 4),
        ("ab\ufeff: 1", "the character U+FEFF", 1, 3),
        ("a: \ud800", "the character U+D800", 1, 4),
        ("a: \x7f", "the character U+007F", 1, 4),
    ],
)
def test_characters_that_belong_in_no_text_are_refused(
    text: str, name: str, line: int, column: int
) -> None:
    (found,) = problems(text)
    assert found.message == f"{name} is not allowed"
    assert (found.mark.line, found.mark.column) == (line, column)


@pytest.mark.parametrize("escape", [r"\0", r"\e[31m", r"\x07", r"\u2028", r"\uD800", r"\N"])
def test_escapes_cannot_smuggle_those_characters_in(escape: str) -> None:
    assert "is not allowed in text" in only_problem(f'a: "{escape}"')


@pytest.mark.parametrize(
    "text", [r'a: "\U00110000"', r'a: "\UFFFFFFFF"', f"%YAML 1.{'9' * 5000}\n---\na: 1"]
)
def test_numbers_too_large_for_pyyaml_itself_are_refused(text: str) -> None:
    assert "is too large" in only_problem(text)


def test_depth_is_bounded() -> None:
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert parse(deepest, "a").is_sequence
    assert f"must not be nested deeper than {MAX_DEPTH}" in only_problem(f"[{deepest}]")


def test_depth_counts_what_aliases_add() -> None:
    half = "[" * (MAX_DEPTH // 2) + "{}" + "]" * (MAX_DEPTH // 2)
    text = f"- &x {half}\n- {'[' * (MAX_DEPTH // 2)}*x{']' * (MAX_DEPTH // 2)}\n"
    assert f"must not be nested deeper than {MAX_DEPTH}" in only_problem(text)


def test_the_number_of_values_is_bounded() -> None:
    assert len(parse("[" + "1," * (MAX_NODES - 1) + "]", "a").sequence) == MAX_NODES - 1
    assert f"at most {MAX_NODES:,} values" in only_problem("[" + "1," * MAX_NODES + "]")


def test_long_texts_count_for_more_as_aliases_multiply_them() -> None:
    text = f"a: &x {'y' * 100_000}\nb: [{'*x, ' * 1000}]\n"
    assert f"at most {MAX_NODES:,} values" in only_problem(text)


def test_a_file_is_read_as_utf8_whatever_the_locale(tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    path.write_text("name: Gerät\n", encoding="utf-8")
    child = load_in_child(path, LC_ALL="C", PYTHONUTF8="0", PYTHONIOENCODING="utf-8")
    assert (child.returncode, child.stdout) == (0, "{'name': 'Gerät'}\n")


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: a\n")
    root = load(path)
    assert root.plain() == {"name": "a"}
    assert root.key_marks["name"] == (Mark(str(path), 1, 1, "name: a"), 4)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings_are_refused(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "e.yaml"
    path.write_bytes("name: a\n".encode(encoding))
    with pytest.raises(ConfigError, match=r"must be UTF-8, is UTF-|the NUL character"):
        load(path)


def test_invalid_utf8_is_refused_with_its_byte_offset(tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: a\nb: caf\xe9\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}:2: must be UTF-8, got byte 0xE9 at offset 17\n")


def test_a_missing_file_is_named_with_the_nearest_there_is(tmp_path: Path) -> None:
    (tmp_path / "adam_mnist.yaml").write_text("name: a")
    with pytest.raises(ConfigError, match=r"no such file\n  did you mean 'adam_mnist\.yaml'\?"):
        load(tmp_path / "adam_mist.yaml")


def test_a_file_with_another_name_is_not_suggested(tmp_path: Path) -> None:
    (tmp_path / "smoke.yaml").write_text("name: a")
    with pytest.raises(ConfigError, match=r"nofile\.yaml: no such file$"):
        load(tmp_path / "nofile.yaml")


def test_a_key_repeated_below_an_empty_one_may_belong_to_it() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("model:\nname: mlp\noptimizer:\nname: adam\n", "a.yaml")
    (problem,) = caught.value.problems
    assert problem.message == "a key must stand once, is in line 2 already"
    assert problem.remedy == "keep one, or indent it if it belongs to 'optimizer'"


def test_a_name_longer_than_the_system_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read: File name too long"):
        load(tmp_path / ("a" * 300))


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be a file, is a folder"):
        load(tmp_path)


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    path = tmp_path / "pipe.yaml"
    os.mkfifo(path)
    child = load_in_child(path)
    assert (child.returncode, child.stdout) == (
        2,
        f"{path}: must be an ordinary file, is a pipe or a device\n",
    )


def test_devices_and_sockets_are_refused() -> None:
    with pytest.raises(ConfigError, match="is a pipe or a device"):
        load(Path("/dev/zero"))
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{folder}/s")
        with pytest.raises(ConfigError, match="is a pipe or a device"):
            load(Path(folder, "s"))


def test_a_file_of_exactly_the_largest_size_is_read(tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    path.write_text("a: 1\n" + "#" * (MAX_BYTES - 5))
    assert load(path).plain() == {"a": 1}
    path.write_text("a: 1\n" + "#" * (MAX_BYTES - 4))
    with pytest.raises(ConfigError, match="must be at most 1,000,000 bytes"):
        load(path)


def _aliases_that_multiply() -> str:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for name, before in zip("bcdefghij", "abcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]")
    return "\n".join(lines)


EVIL = {
    "brackets": ("[" * 100_000, "nested deeper"),
    "braces": ("{" * 100_000, "nested deeper"),
    "dashes": ("- " * 100_000, "nested deeper"),
    "question marks": ("? " * 100_000, "nested deeper"),
    "aliases that multiply": (_aliases_that_multiply(), "at most 50,000 values"),
    "text that multiplies": ("- &a " + "x" * 500_000 + "\n- *a" * 90_000, "at most 50,000 values"),
    "cycles": ("a: &a [*a, &b {c: *b}]", "contains itself"),
    "many items": ("- 1\n" * 250_000, "at most 50,000 values"),
    "many empty lists": ("[" + "[]," * 333_000 + "]", "at most 50,000 values"),
    "many duplicate keys": ("a: 1\n" * 200_000, "a key must stand once"),
    "many documents": ("--- 1\n" * 150_000, "one document"),
    "many anchors": ("".join(f"- &a{n} 1\n" for n in range(60_000)), "at most 50,000 values"),
    "many directives": ("%a\n" * 330_000, "a.yaml:"),
    "NUL": ("a: 1\0" * 200_000, "the NUL character"),
    "tags": ("a: !!python/object/apply:os.system [exit 7]", "tags are not allowed"),
    "a long tag": ("a: !<" + "%41" * 300_000 + ">", "tags are not allowed"),
    "a long key": ("x" * 900_000 + ": 007", "a key must be followed by ':'|':' can't stand"),
    "a long number": ("a: " + "9" * 999_000, "64 bits"),
    "colons": (":" * 1_000_000, "a.yaml:"),
    "tabs": ("\t" * 1_000_000, "a tab stands"),
    "an open quote": ('a: "' + "\n" * 999_000, "never closed"),
}


@pytest.mark.parametrize("name", EVIL)
def test_an_evil_file_ends_in_an_error_within_bounds(tmp_path: Path, name: str) -> None:
    text, message = EVIL[name]
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    child = load_in_child(path)
    assert child.returncode == 2, child.stderr
    assert any(part in child.stdout for part in message.split("|")), child.stdout[:500]
    assert len(child.stdout) < 20_000
    assert int(child.stderr) < MEMORY


def test_half_a_gigabyte_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    with path.open("wb") as file:
        file.truncate(500_000_000)
    child = load_in_child(path)
    assert child.returncode == 2
    assert "must be at most 1,000,000 bytes" in child.stdout
    assert int(child.stderr) < MEMORY


fragments = st.sampled_from(
    [
        *("a", "b: ", "- ", "? ", ": ", "[", "]", "{", "}", ",", "\n", "\n  ", " ", "\t", "#", "'"),
        *('"', "|", ">", "&a ", "*a", "!", "!!str ", "<<: ", "---\n", "...\n", "%YAML 1.2\n"),
        *("1e-3", "007", "1e999", "\\", "\\U", "\\x4", "null", "~", "@", "`", "\r", "\0", "é"),
    ]
)


@settings(max_examples=500, deadline=None)
@given(st.text() | st.lists(fragments, max_size=30).map("".join))
@example('"\\UFFFFFFFF"')
@example("%TAG ! !\n%TAG ! !\n--- a")
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ConfigError):
        parse(text, "a.yaml").plain()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.yaml")
        path.write_bytes(content)
        with contextlib.suppress(ConfigError):
            load(path)


texts = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=10)
# PyYAML writes YAML 1.1: what is a number in 1.2 alone, such as 0E0, it leaves without quotes.
texts = texts.filter(lambda text: not text.startswith(tuple("+-.0123456789")))
documents = st.recursive(
    st.booleans() | st.none() | st.integers(-(2**63), 2**63 - 1) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(documents)
def test_what_pyyaml_writes_is_read_back(value: object) -> None:
    for flow in (True, False):
        text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=flow)
        assert parse(text, "a").plain() == from_plain(value, Mark("a")).plain()
