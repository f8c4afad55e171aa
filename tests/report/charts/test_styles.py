from __future__ import annotations

import itertools
import math

import pytest

from optbench.analysis.pictures.series import Series
from optbench.catalog.optimizers import optimizers
from optbench.report.charts.look import page_colours
from optbench.report.charts.styles import COLOURS, styles

Colour = tuple[float, float, float]

# Machado, Oliveira & Fernandes, "A physiologically-based model for simulation of color vision
# deficiency", IEEE TVCG 15 (2009), severity 1, on linear RGB.
VISION = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
# sRGB to XYZ, each row divided by the white of D65.
TO_XYZ = (
    (0.4339533, 0.3762193, 0.1898274),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0177566, 0.1094680, 0.8727754),
)


def linear(colour: str) -> Colour:
    """Linear RGB of #RRGGBB, IEC 61966-2-1."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return red, green, blue


def through(matrix: tuple[tuple[float, float, float], ...], colour: Colour) -> Colour:
    first, second, third = (
        sum(weight * part for weight, part in zip(row, colour, strict=True)) for row in matrix
    )
    return first, second, third


def lab(colour: Colour) -> Colour:
    """CIELAB."""
    clipped = [min(max(part, 0.0), 1.0) for part in colour]
    x, y, z = (
        value ** (1 / 3) if value > 216 / 24389 else (24389 / 27 * value + 16) / 116
        for value in through(TO_XYZ, (clipped[0], clipped[1], clipped[2]))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def contrast(one: str, other: str) -> float:
    """WCAG 2: from 1, none, to 21."""
    light, dark = sorted((through(TO_XYZ, linear(c))[1] for c in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("vision", VISION)
def test_no_two_of_eight_colours_look_alike_to_anybody(vision: str) -> None:
    seen = [lab(through(VISION[vision], linear(colour))) for colour in COLOURS]
    nearest = min(math.dist(one, other) for one, other in itertools.combinations(seen, 2))
    assert len(seen) == 8
    assert nearest > 15  # 2.3 is just noticeable; Okabe & Ito's own come to 16


@pytest.mark.parametrize("page", ["#FFFFFF", "#16181D"])
def test_colours_are_visible_on_light_and_dark_pages(page: str) -> None:
    assert min(contrast(colour, page) for colour in COLOURS) > 2


@pytest.mark.parametrize(("page", "dark"), [("#FFFFFF", False), ("#16181D", True)])
def test_text_can_be_read_on_its_page(page: str, dark: bool) -> None:
    colours = page_colours(dark=dark)
    told = [colours["axis"]["labelColor"], colours["title"]["color"], colours["text"]["color"]]
    assert min(contrast(colour, page) for colour in told) > 7  # WCAG AAA
    assert contrast(colours["title"]["subtitleColor"], page) > 4.5  # AA


def series(*families: str) -> list[Series]:
    return [Series(family, family, 0) for family in families]


def test_an_optimizer_of_torch_has_one_colour_in_all_company() -> None:
    alone = styles(series("adam"))["adam"]
    assert alone == styles(series("sgd", "adam", "mine", "yours"))["adam"]
    assert alone == styles(series("adam"), families=["amsgrad", "zebra"])["adam"]


def test_every_optimizer_of_torch_has_a_look_that_no_other_has() -> None:
    names = [name for name, entry in optimizers().items() if not entry.refusal]
    looks = styles(series(*names))
    assert len(names) >= 13
    assert len({(look.colour, look.dash) for look in looks.values()}) == len(names)


def test_the_eight_most_usual_optimizers_have_eight_colours() -> None:
    usual = ("adam", "sgd", "momentum", "rmsprop", "adamw", "nadam", "radam", "adagrad")
    assert len({look.colour for look in styles(series(*usual)).values()}) == 8


def test_another_optimizer_has_a_colour_from_its_name_whatever_the_order() -> None:
    both = styles(series("lion", "sophia"))
    assert both == styles(series("sophia", "lion"))
    assert styles(series("lion"))["lion"].colour == both["lion"].colour


def test_eight_optimizers_that_nobody_knows_do_not_clash() -> None:
    names = [f"optimizer{number}" for number in range(8)]
    assert len({look.colour for look in styles(series(*names)).values()}) == 8


def test_forty_optimizers_still_differ_in_colour_or_dashes() -> None:
    names = [f"optimizer{number}" for number in range(40)]
    looks = {(look.colour, look.dash) for look in styles(series(*names)).values()}
    assert len(looks) == 40


def test_the_settings_of_one_optimizer_share_the_colour_and_differ_in_the_rest() -> None:
    settings = [Series(f"adam lr={lr}", "adam", lr) for lr in range(12)]
    looks = list(styles(settings).values())
    assert len({look.colour for look in looks}) == 1
    assert len({(look.dash, look.shape) for look in looks}) == 12
