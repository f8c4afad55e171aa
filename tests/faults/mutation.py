"""Valid files, changed a little or a lot: what a fuzzer feeds a reader."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

MOST_CHANGES = 6
LONGEST = 200_000  # bytes; beyond that every reader has a limit that is tested by itself
_PIECE = re.compile(rb"[A-Za-z_]+|[0-9.eE+-]+|\s+|.", re.DOTALL)
_TOKENS = (
    b"", b"null", b"true", b"~", b"0", b"-1", b"1", b"1.5", b"1e308", b"1e-400", b"1e999", b"nan",
    b"NaN", b"inf", b"-inf", b".nan", b"Infinity", b"-0", b"007", b"0x10", b"9" * 25, b"9" * 5000,
    b"18446744073709551616", b"[]", b"{}", b"[[[[", b"]", b"}", b"{a: 1}", b'{"a": 1}', b'""',
    b"''", b"'", b'"', b",", b"\n", b"\r", b"\r\n", b"\t", b"  ", b": ", b"- ", b"? ", b"# ",
    b"---\n", b"...\n", b"%YAML 1.1\n", b"|\n", b">-\n", b"&a ", b"*a", b"<<: ", b"<<: *a",
    b"!!python/object/apply:os.getcwd []", b"!t ", b"\x00", b"\x1b[31m", b"\x7f", b"\xff",
    b"\xc3\xa9", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xf0\x9f\x92\xa9",
    b"\\ud800", b"\\x41", b"\\UFFFFFFFF", b"../x", b"/etc/passwd", b"=1+1", b"<script>", b"\\input",
    b"{grid: [1, 2]}", b"{linspace: [0, 1, 3]}", b"{logspace: [1e-3, 1, 7]}", b"{grid: []}",
    b"{loguniform: [1e-5, 1]}", b"{integer: [1, 9]}", b"./plugin.py:Name", b"os:system", b"a" * 300,
)  # fmt: skip


class Mutator:
    """Changes seeds; `keep` adds one that led somewhere new."""

    def __init__(self, seeds: Sequence[bytes], draw: random.Random) -> None:
        self.seeds = list(seeds)
        self.draw = draw
        self._changes: tuple[Callable[[bytes], bytes], ...] = (
            self._flip, self._cut, self._drop, self._repeat, self._splice, self._insert,
            self._replace_piece, self._replace_piece, self._swap_pieces, self._drop_line,
            self._repeat_line, self._move_line, self._nest,
        )  # fmt: skip

    def keep(self, content: bytes) -> None:
        self.seeds.append(content)

    def next(self) -> bytes:
        """A seed after one change or more."""
        content = self.draw.choice(self.seeds)
        for _ in range(self.draw.randint(1, MOST_CHANGES)):
            content = self.draw.choice(self._changes)(content)[:LONGEST]
        return content

    def _span(self, length: int, most: int) -> tuple[int, int]:
        start = self.draw.randint(0, length)
        return start, min(length, start + self.draw.randint(1, most))

    def _flip(self, content: bytes) -> bytes:
        if not content:
            return content
        changed = bytearray(content)
        changed[self.draw.randrange(len(content))] ^= 1 << self.draw.randrange(8)
        return bytes(changed)

    def _cut(self, content: bytes) -> bytes:
        return content[: self.draw.randint(0, len(content))]

    def _drop(self, content: bytes) -> bytes:
        start, end = self._span(len(content), 40)
        return content[:start] + content[end:]

    def _repeat(self, content: bytes) -> bytes:
        start, end = self._span(len(content), 40)
        times = self.draw.choice((2, 2, 3, 100, 3000))
        return content[:start] + content[start:end] * times + content[end:]

    def _splice(self, content: bytes) -> bytes:
        other = self.draw.choice(self.seeds)
        start, end = self._span(len(other), 200)
        place, _ = self._span(len(content), 1)
        return content[:place] + other[start:end] + content[place:]

    def _insert(self, content: bytes) -> bytes:
        place = self.draw.randint(0, len(content))
        return content[:place] + self.draw.choice(_TOKENS) + content[place:]

    def _replace_piece(self, content: bytes) -> bytes:
        pieces = _PIECE.findall(content)
        if not pieces:
            return self.draw.choice(_TOKENS)
        others = _PIECE.findall(self.draw.choice(self.seeds))
        other = self.draw.choice(others or [b""])
        new = self.draw.choice((self.draw.choice(_TOKENS), other))
        pieces[self.draw.randrange(len(pieces))] = new
        return b"".join(pieces)

    def _swap_pieces(self, content: bytes) -> bytes:
        pieces = _PIECE.findall(content)
        if pieces:
            one, other = (self.draw.randrange(len(pieces)) for _ in range(2))
            pieces[one], pieces[other] = pieces[other], pieces[one]
        return b"".join(pieces)

    def _drop_line(self, content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        if lines:
            del lines[self.draw.randrange(len(lines))]
        return b"".join(lines)

    def _repeat_line(self, content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        if lines:
            lines.insert(self.draw.randint(0, len(lines)), self.draw.choice(lines))
        return b"".join(lines)

    def _move_line(self, content: bytes) -> bytes:
        """Deeper or shallower, which means another parent in YAML."""
        lines = content.splitlines(keepends=True)
        if lines:
            at = self.draw.randrange(len(lines))
            deeper = self.draw.random() < 0.5
            lines[at] = b"  " + lines[at] if deeper else lines[at].removeprefix(b"  ")
        return b"".join(lines)

    def _nest(self, content: bytes) -> bytes:
        start, end = self._span(len(content), 20)
        before, after = self.draw.choice(((b"[", b"]"), (b"{a: ", b"}"), (b"\n  - ", b"\n")))
        depth = self.draw.choice((1, 2, 60, 2000))
        return content[:start] + before * depth + content[start:end] + after * depth + content[end:]


def smallest(content: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """A shorter content that still fails: pieces are left out as long as that is so."""
    step = len(content) // 2
    while step:
        start = 0
        while start < len(content):
            shorter = content[:start] + content[start + step :]
            if fails(shorter):
                content = shorter
            else:
                start += step
        step //= 2
    return content
