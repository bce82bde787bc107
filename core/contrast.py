"""Whether a colour can be read on another, and the nearest one that can. Pure: no Django.

Contrast: WCAG 2.2, "relative luminance" and "contrast ratio" (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio).
Lightness, chroma and hue: OKLCH, the polar form of Björn Ottosson's Oklab (https://bottosson.github.io/posts/oklab/),
in which a colour made lighter or darker keeps its hue to the eye.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

TEXT = 4.5  # level AA for text
SEEN = 3.0  # for what only has to be seen: borders, focus rings
WHITE, BLACK = "#ffffff", "#000000"

_HEX = re.compile(r"#?([0-9a-f]{6}|[0-9a-f]{3})", re.IGNORECASE)


@dataclass(frozen=True)
class Oklch:
    """A colour as the eye orders it: lightness 0 to 1, chroma from 0 (grey) to about 0.32, hue in degrees."""

    lightness: float
    chroma: float
    hue: float


def parse(text: str) -> str | None:
    """A colour as #rrggbb; None where `text` is not one in hex notation. "1D5C42", "#abc" are."""
    found = _HEX.fullmatch(text.strip())
    if not found:
        return None
    digits = found[1].lower()
    return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, 0 (black) to 1 (white)."""
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(first: str, second: str) -> float:
    """The contrast ratio of two #rrggbb colours, 1 to 21."""
    return ratio_of(luminance(first), luminance(second))


def ratio_of(first: float, second: float) -> float:
    """The contrast ratio of two relative luminances, 1 to 21."""
    light, dark = max(first, second), min(first, second)
    return (light + 0.05) / (dark + 0.05)


def worst(colour: str, others: tuple[str, ...]) -> float:
    """The smallest contrast ratio of `colour` with any of `others`."""
    return min(ratio(colour, other) for other in others)


def to_oklch(colour: str) -> Oklch:
    red, green, blue = _linear(colour)
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return Oklch(lightness, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360)


def from_oklch(lightness: float, chroma: float, hue: float) -> str:
    """#rrggbb of an OKLCH colour; where screens cannot show it, of the one of less chroma that they can."""
    lightness = min(max(lightness, 0.0), 1.0)
    low, high = 0.0, chroma
    if _shown(lightness, chroma, hue) is None:
        for _ in range(16):
            middle = (low + high) / 2
            low, high = (middle, high) if _shown(lightness, middle, hue) is not None else (low, middle)
        chroma = low
    parts = _shown(lightness, chroma, hue) or ((lightness**3,) * 3)
    return "#" + "".join(f"{round(255 * _encoded(min(max(part, 0.0), 1.0))):02x}" for part in parts)


def nearest(colour: str, others: tuple[str, ...], *, at_least: float = TEXT, darker: bool) -> str:
    """The colour of the same hue, as little darker (else lighter) as it takes, that reaches `at_least` with all of
    `others`; `colour` itself where it does. Black or white where no colour of the hue does.
    """
    if worst(colour, others) >= at_least:
        return colour
    start = to_oklch(colour)
    good, bad = (0.0 if darker else 1.0), start.lightness
    for _ in range(20):
        middle = (good + bad) / 2
        if worst(from_oklch(middle, start.chroma, start.hue), others) >= at_least:
            good = middle
        else:
            bad = middle
    return from_oklch(good, start.chroma, start.hue)


def _linear(colour: str) -> tuple[float, float, float]:
    """sRGB's transfer function undone (IEC 61966-2-1), as WCAG writes it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return red, green, blue


def _encoded(part: float) -> float:
    return part * 12.92 if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055


def _shown(lightness: float, chroma: float, hue: float) -> tuple[float, float, float] | None:
    """Linear red, green and blue; None where one of them is out of a screen's range."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    parts = (red, green, blue)
    return parts if all(-0.0005 <= part <= 1.0005 for part in parts) else None
