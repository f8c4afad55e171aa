"""Typed reading of a JSON object that may hold anything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from optbench.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Choice = TypeVar("Choice", bound=str)

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Fields:
    """The keys of one JSON object; each reading checks its type or raises StoreError."""

    def __init__(self, values: dict[str, Any], where: str, prefix: str = "") -> None:
        self.values = values
        self._where = where
        self._prefix = prefix

    def refuse(self, key: str, rule: str, found: object) -> NoReturn:
        shown = repr(found)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        raise StoreError(f"{self._where}: {self._prefix}{key}: must be {rule}, got {shown}")

    def value(self, key: str) -> Any:
        if key not in self.values:
            raise StoreError(f"{self._where}: {self._prefix}{key}: is missing")
        return self.values[key]

    def inside(self, key: str) -> Fields:
        found = self.value(key)
        if not isinstance(found, dict):
            self.refuse(key, "an object", found)
        return Fields(found, self._where, f"{self._prefix}{key}.")

    def items(self, key: str) -> list[Any]:
        found = self.value(key)
        if not isinstance(found, list):
            self.refuse(key, "a list", found)
        return found

    def each(self, key: str) -> Iterator[Fields]:
        """The objects of a list."""
        for index, found in enumerate(self.items(key)):
            place = f"{key}[{index}]"
            if not isinstance(found, dict):
                self.refuse(place, "an object", found)
            yield Fields(found, self._where, f"{self._prefix}{place}.")

    def counts(self, key: str) -> tuple[int, ...]:
        return tuple(item.count(name) for item in self._items(key) for name in item.values)

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(item.text(name) for item in self._items(key) for name in item.values)

    def digests(self, key: str) -> tuple[str, ...]:
        return tuple(item.digest(name) for item in self._items(key) for name in item.values)

    def text(self, key: str) -> str:
        found = self.value(key)
        if not isinstance(found, str):
            self.refuse(key, "text", found)
        return found

    def optional_text(self, key: str) -> str | None:
        return None if self.value(key) is None else self.text(key)

    def choice(self, key: str, choices: Sequence[Choice]) -> Choice:
        found = self.value(key)
        if found not in choices:
            self.refuse(key, f"one of {', '.join(choices)}", found)
        return choices[choices.index(found)]

    def digest(self, key: str) -> str:
        found = self.value(key)
        if not (isinstance(found, str) and _DIGEST.fullmatch(found)):
            self.refuse(key, "a SHA-256 of 64 hexadecimal digits", found)
        return found

    def optional_digest(self, key: str) -> str | None:
        return None if self.value(key) is None else self.digest(key)

    def count(self, key: str) -> int:
        found = self.value(key)
        if not isinstance(found, int) or isinstance(found, bool) or found < 0:
            self.refuse(key, "a whole number from 0", found)
        return found

    def flag(self, key: str) -> bool:
        found = self.value(key)
        if not isinstance(found, bool):
            self.refuse(key, "true or false", found)
        return found

    def _items(self, key: str) -> Iterator[Fields]:
        """The items of a list, each as an object with its place for the only key."""
        for index, found in enumerate(self.items(key)):
            yield Fields({f"{key}[{index}]": found}, self._where, self._prefix)

    def optional_number(self, key: str) -> float | None:
        """The number, an int staying one; None for null."""
        found = self.value(key)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, float | int):
            self.refuse(key, "a number or null", found)
        return found
