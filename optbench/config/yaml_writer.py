"""Writing YAML that optbench reads: no anchors, and text that YAML 1.2 takes for text."""

from __future__ import annotations

import math

import yaml

from optbench.config.scalars import resolve


def block(value: object) -> str:
    """A mapping in lines, what is flat in it in one."""
    return _dumped(value, flow=None)


def flow(value: object) -> str:
    """A mapping in one line: `{name: adam, lr: 0.001}`."""
    return _dumped(value, flow=True, width=math.inf).rstrip("\n")


def _dumped(value: object, flow: bool | None, width: float = 80) -> str:
    return yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=flow,
        allow_unicode=True,
        width=width,
    )


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """PyYAML quotes what YAML 1.1 would misread; `1e3` is a number in YAML 1.2 alone."""
    try:
        plain = resolve(text) == text
    except ValueError:
        plain = False
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else "'")


_Dumper.add_representer(str, _represent_text)
