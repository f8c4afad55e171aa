"""Writes docs/keys.md: every key of an experiment file, from the schema that editors use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from optbench.catalog.json_schema import experiment_schema
from optbench.config import descriptions

PAGE = Path(__file__).parents[1] / "docs" / "keys.md"
_INTRODUCTION = """# Keys of experiment files

Made by `python scripts/keys_page.py`. [Experiment files](experiments.md) explains how they work
together, the [catalog](catalog.md) has the arguments of each data set, model, optimizer and
schedule, and [verify](verify.md) says how claims are judged. In place of any value a space may
stand.
"""
_PLACES = (
    ("At the top", ("properties",)),
    ("`training`", ("properties", "training", "properties")),
    ("`training.evaluate_every`, `training.checkpoint_every`", ("every",)),
    ("`training.average`", ("average",)),
    ("`training.augment`", ("augment",)),
    ("`tuning`", ("properties", "tuning", "properties")),
    ("Every data set", ("dataset",)),
    ("Every model", ("model",)),
    ("Every optimizer", ("optimizer",)),
    ("Every parameter group", ("group",)),
    ("A claim under `expect`", ("properties", "expect", "items", "properties")),
    ("A space", ("definitions", "space", "properties")),
)


def keys_page() -> str:
    """The page's text."""
    schema = experiment_schema()
    return "\n".join([_INTRODUCTION, *(_section(title, schema, path) for title, path in _PLACES)])


def _section(title: str, schema: dict[str, Any], path: tuple[str, ...]) -> str:
    keys = _keys(schema, path)
    rows = [f"| `{key}` | {_told(value)} |" for key, value in keys.items()]
    return "\n".join([f"## {title}\n", "| key | |", "| --- | --- |", *rows, ""])


def _told(value: dict[str, Any]) -> str:
    said = str(value.get("description", "")).replace("|", "\\|")
    choices = [choice for choice in value.get("enum", []) if choice is not None]
    listed = ", ".join(f"`{choice}`" for choice in choices)
    return f"{said} One of {listed}." if listed else said


def _keys(schema: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """The properties at a path of the schema, or at a place that has a name here."""
    (name, *rest) = path
    if rest or name == "properties":
        found: Any = schema
        for step in path:
            found = found[step]
        return dict(found)
    training = schema["properties"]["training"]["properties"]
    if name == "every":
        return dict(training["evaluate_every"]["anyOf"][0]["properties"])
    if name == "augment":
        return dict(training["augment"]["anyOf"][0]["properties"])
    if name == "average":
        average = training["average"]["anyOf"][0]["anyOf"][1]["properties"]
        return {key: average[key] for key in average if key != "name"}
    optimizers = _of_all(schema, "optimizer")
    if name == "group":
        groups = optimizers["groups"]["anyOf"][0]["items"]["properties"]
        return {"match": groups["match"]}
    return optimizers if name == "optimizer" else _of_all(schema, name)


def _of_all(schema: dict[str, Any], part: str) -> dict[str, Any]:
    """The keys that every entry of a part of the catalog has."""
    entries = schema["definitions"][part]["anyOf"][2]["allOf"]
    (first, *others) = [entry["then"]["properties"] for entry in entries]
    shared = [key for key in first if all(key in other for other in others)]
    texts = getattr(descriptions, part.upper())
    return {
        key: first[key]
        if all(_told(first[key]) == _told(other[key]) for other in others)
        else {"description": texts[key]}
        for key in shared
        if key != "name"
    }


if __name__ == "__main__":
    PAGE.write_text(keys_page(), encoding="utf-8")
    print(f"wrote {PAGE}")
