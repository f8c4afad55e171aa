"""Which names may become folders."""

from __future__ import annotations

import re

MAX_NAME = 100
ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
NAME_RULE = (
    f"must be 1 to {MAX_NAME} letters, digits, '.', '_' or '-', beginning with a letter or digit"
)


def is_name(text: str) -> bool:
    """Whether a text may name an experiment, and with it a folder."""
    return len(text) <= MAX_NAME and ALLOWED.fullmatch(text) is not None


def slug(text: str, limit: int = 80) -> str:
    """A text as part of a folder's name: what isn't allowed becomes '-', and it ends in time."""
    cleaned = re.sub(r"-{2,}", "-", re.sub(r"[^a-z0-9._-]+", "-", text.lower().replace("+", "")))
    return cleaned.strip("-.")[:limit].strip("-.") or "run"
