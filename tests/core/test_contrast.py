"""Contrast against published values; colours moved no further than they must be."""

from __future__ import annotations

import itertools

import pytest

from core import brand_colours, contrast
from tests.test_design_tokens import SEEN_PAIRS, TEXT_PAIRS, scheme

STEPS = ("00", "55", "aa", "ff")
CUBE = ["#" + "".join(parts) for parts in itertools.product(STEPS, repeat=3)]
BRANDS = ["#635bff", "#ffcc00", "#ff5500", "#00aaff", "#e0115f", "#1d5c42", "#000000", "#777777", "#0b0b0c"]


@pytest.mark.parametrize(
    ("first", "second", "ratio"),
    # WebAIM's contrast checker, and the WCAG's own extremes.
    [
        ("#000000", "#ffffff", 21),
        ("#767676", "#ffffff", 4.54),
        ("#777777", "#ffffff", 4.48),
        ("#0000ff", "#ffffff", 8.59),
        ("#ff0000", "#ffffff", 4.0),
        ("#123456", "#123456", 1),
    ],
)
def test_ratios_are_the_published_ones(first, second, ratio):
    assert contrast.ratio(first, second) == pytest.approx(ratio, abs=0.005)
    assert contrast.ratio(second, first) == contrast.ratio(first, second)


@pytest.mark.parametrize(
    ("colour", "lightness", "chroma", "hue"),
    # CSS Color 4's sample values of sRGB's primaries in OKLCH.
    [("#ff0000", 0.628, 0.258, 29.2), ("#00ff00", 0.866, 0.295, 142.5), ("#0000ff", 0.452, 0.313, 264.1)],
)
def test_oklch_is_the_published_one(colour, lightness, chroma, hue):
    found = contrast.to_oklch(colour)
    assert (found.lightness, found.chroma) == pytest.approx((lightness, chroma), abs=0.001)
    assert found.hue == pytest.approx(hue, abs=0.1)


@pytest.mark.parametrize("colour", CUBE)
def test_a_colour_survives_the_way_to_oklch_and_back(colour):
    found = contrast.to_oklch(colour)
    assert contrast.from_oklch(found.lightness, found.chroma, found.hue) == colour


@pytest.mark.parametrize(
    ("typed", "colour"),
    [("#1D5C42", "#1d5c42"), ("1d5c42", "#1d5c42"), (" #abc ", "#aabbcc"), ("red", None), ("#ff", None), ("", None)],
)
def test_hex_is_read_in_all_its_spellings(typed, colour):
    assert contrast.parse(typed) == colour


@pytest.mark.parametrize("accent", [*CUBE, *BRANDS])
def test_the_better_accent_is_readable_and_the_nearest(accent):
    verdict = brand_colours.judge_accent(accent)
    if verdict.is_readable:
        assert verdict.ratio >= contrast.TEXT
        return
    settled = brand_colours.judge_accent(verdict.better)
    assert settled.is_readable
    assert settled.ratio < 4.75  # no darker than it had to become
    before, after = contrast.to_oklch(accent), contrast.to_oklch(verdict.better)
    if after.chroma > 0.03:
        assert abs((before.hue - after.hue + 180) % 360 - 180) < 4  # still their colour
    with pytest.raises(ValueError, match="contrast"):
        brand_colours.derive(accent, "#000000")


@pytest.mark.parametrize("accent", [*CUBE, *BRANDS])
def test_every_pair_of_every_brand_can_be_read_in_both_schemes(accent):
    for hero in ("#777777", "#ff8800", accent):
        readable = brand_colours.judge_accent(accent).better or accent
        palette = brand_colours.derive(readable, hero)
        for name, derived in (("light", palette.light), ("dark", palette.dark)):
            colours = scheme(name) | derived
            for pairs, least in ((TEXT_PAIRS, contrast.TEXT), (SEEN_PAIRS, contrast.SEEN)):
                poor = {pair for pair in pairs if contrast.ratio(colours[pair[0]], colours[pair[1]]) < least}
                assert not poor, (accent, hero, name)


def test_a_black_shop_is_nearly_white_at_night_and_nowhere_tinted():
    palette = brand_colours.derive("#000000", "#000000")
    assert contrast.luminance(palette.dark["accent"]) > 0.7
    assert contrast.to_oklch(palette.light["page"]).chroma < 0.001
