"""How numbers look: enough digits to tell them apart, no more."""

from __future__ import annotations

import math

MINUS = "−"
DASH = "—"  # not measured


def percent(fraction: float, decimals: int = 1) -> str:
    """97.5% for 0.975."""
    return _finite(fraction) or f"{100 * fraction:.{decimals}f}%"


def loss(value: float) -> str:
    """Three decimals; from 1,000 on and below 0.001 three significant digits."""
    if is_scientific(value):
        return scientific(value)
    return _finite(value) or f"{value:.3f}".replace("-", MINUS)


def is_scientific(value: float) -> bool:
    """Whether `loss` writes it as 3.10e-05."""
    return 0 < abs(value) < 0.001 or 1_000 <= abs(value) < math.inf


def signed(value: float, decimals: int) -> str:
    """+6.0, with a true minus sign; what rounds to zero is 0.0 without a sign."""
    text = f"{value:+.{decimals}f}".replace("inf", "∞")
    if text.strip("+-0.") == "":
        return text.lstrip("+-")
    return text.replace("-", MINUS)


def scientific(value: float, *, sign: bool = False) -> str:
    """6.18e+05, or with a sign +6.18e+05."""
    shown = _finite(value) or f"{abs(value):.2e}"
    if value < 0:
        return f"{MINUS}{shown.lstrip(MINUS)}"
    return f"+{shown}" if sign and value > 0 else shown


def plain(value: float, decimals: int) -> str:
    """5.9, with a true minus sign; what rounds to zero has none."""
    text = _finite(value) or f"{value:.{decimals}f}"
    return text.lstrip("-") if text.strip("-0.") == "" else text.replace("-", MINUS)


def compact(value: float) -> str:
    """1,876 or 0.106: a count, or an epoch that may be fractional."""
    if not math.isfinite(value):
        return "never" if value > 0 else "nan"
    return f"{value:,.0f}" if value == round(value) else f"{value:,.3g}"


def factor(value: float) -> str:
    """2.4, 17 or 1,200: how many times as much, with two digits that say something."""
    if not math.isfinite(value):
        return "∞"
    return f"{value:.1f}".removesuffix(".0") if value < 9.95 else f"{value:,.0f}"


def ratio(value: float) -> str:
    """1.04, 0.123 or 1,240: three digits of a quotient."""
    if not 1e-4 <= value < 1e6:
        return scientific(value)
    return f"{value:,.0f}" if value >= 1000 else f"{value:#.3g}".removesuffix(".")


def decimals_for(margin: float | None, least: int, most: int) -> int:
    """Decimals with which a margin still has a digit that is not 0."""
    if not margin or not math.isfinite(margin):
        return least
    return max(least, min(most, math.ceil(-math.log10(2 * abs(margin)))))


def significant_decimals(value: float, least: int, most: int) -> int:
    """Decimals with which a value has two significant digits."""
    if not value or not math.isfinite(value):
        return least
    return max(least, min(most, math.ceil(1 - math.log10(abs(value)))))


def duration(seconds: float) -> str:
    """6.1 s, 4 min 12 s, 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60:,} h {minutes % 60} min"


def _finite(value: float) -> str | None:
    """The name of a number that is not finite."""
    return None if math.isfinite(value) else str(value).replace("-", MINUS).replace("inf", "∞")
