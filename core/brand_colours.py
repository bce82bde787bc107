"""A shop's two colours into every colour of its pages, light and dark. Pure: no Django.

Greys take a breath of the accent's hue, so that a blue shop does not stand on green paper. Lightnesses are those the
pages were drawn with; where a pair would fall short of WCAG AA, its ink is moved until it does not.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from core import contrast
from core.contrast import SEEN, TEXT, WHITE, Oklch

_GREY = 0.02  # below this chroma a colour has no hue to speak of

# The greys and grounds of a scheme: lightness, and chroma where the accent has at least _VIVID.
_LIGHT = {
    "page": (0.978, 0.003), "surface": (1.0, 0.0), "sunken": (0.957, 0.006), "line": (0.908, 0.009),
    "edge": (0.835, 0.012), "field-line": (0.62, 0.018), "text": (0.228, 0.015), "muted": (0.474, 0.016),
    "soft": (0.942, 0.02),
}  # fmt: skip
_DARK = {
    "page": (0.186, 0.009), "surface": (0.224, 0.01), "sunken": (0.26, 0.012), "line": (0.32, 0.014),
    "edge": (0.405, 0.016), "field-line": (0.575, 0.019), "text": (0.938, 0.008), "muted": (0.738, 0.015),
    "soft": (0.32, 0.044),
}  # fmt: skip
_VIVID = 0.06
_GROUNDS = ("page", "surface", "sunken")
_SAID_ONCE = ("on-hero-focus", "on-hero-line", "on-hero-veil")
_FOCUS_ON_DARK, _FOCUS_ON_LIGHT = "#9fd0ff", "#0b4f96"


@dataclass(frozen=True)
class Palette:
    """The custom properties of both schemes: name without dashes -> value."""

    light: dict[str, str]
    dark: dict[str, str]

    def sheet(self) -> str:
        """A style sheet of them, to be loaded after static/css/tokens.css, with the same three rules."""
        # What tokens.css says for light alone need not be said again where it stays the same.
        stays = {name for name in _SAID_ONCE if self.dark[name] == self.light[name]}
        light, dark = _declared(self.light), _declared({k: v for k, v in self.dark.items() if k not in stays})
        return (
            f":root{{{light}}}\n"
            f'@media (prefers-color-scheme:dark){{:root:not([data-theme="light"]){{{dark}}}}}\n'
            f'[data-theme="dark"]{{{dark}}}\n'
        )


@dataclass(frozen=True)
class Verdict:
    """Whether a chosen colour can be read: its worst ratio, and the nearest colour that can where it cannot."""

    colour: str
    ratio: float
    better: str = ""

    @property
    def is_readable(self) -> bool:
        return not self.better


def judge_accent(accent: str) -> Verdict:
    """As the text of links on every light ground, and as a button under white text."""
    grounds = _light_grounds(contrast.to_oklch(accent))
    better = contrast.nearest(accent, grounds, darker=True)
    return Verdict(accent, contrast.worst(accent, grounds), "" if better == accent else better)


def ink_on(hero: str) -> str:
    """The text's colour on the band: white where it can be read, else a dark ink of the band's hue, else black.

    One of them always can: the ratios of white and black multiply to 21, so the greater is at least 4.58.
    """
    ground = contrast.to_oklch(hero)
    dark = contrast.from_oklch(0.2, min(ground.chroma, 0.03), ground.hue)
    return next((ink for ink in (WHITE, dark) if contrast.ratio(ink, hero) >= TEXT), contrast.BLACK)


@functools.lru_cache(maxsize=32)
def derive(accent: str, hero: str) -> Palette:
    """Both schemes from two colours (#rrggbb). Raises ValueError for an accent that nobody could read."""
    if not (verdict := judge_accent(accent)).is_readable:
        raise ValueError(
            f"{accent} reaches a contrast of {verdict.ratio:.2f}; {TEXT} is the least. Take {verdict.better}"
        )
    return Palette(light=_light(accent, hero), dark=_dark(accent, hero))


def _light(accent: str, hero: str) -> dict[str, str]:
    seed = contrast.to_oklch(accent)
    tokens = _greys(_LIGHT, seed, darker=True)
    tokens |= {
        "accent": accent,
        "accent-strong": contrast.from_oklch(max(seed.lightness - 0.07, 0.0), seed.chroma * 0.88, seed.hue),
        "on-accent": WHITE,
        "on-soft": _readable(0.378, min(seed.chroma, 0.12), seed.hue, (tokens["soft"],), darker=True),
    }
    return tokens | _hero(hero)


def _dark(accent: str, hero: str) -> dict[str, str]:
    seed = contrast.to_oklch(accent)
    tokens = _greys(_DARK, seed, darker=False)
    grounds = tuple(tokens[name] for name in _GROUNDS)
    is_grey = seed.chroma < _GREY  # a black shop's buttons are near white at night, not mid-grey
    lightness, chroma = (0.93, seed.chroma) if is_grey else (0.795, min(seed.chroma * 1.2, 0.13))
    lighter = min(lightness + 0.06, 0.98)
    tokens |= {
        "accent": _readable(lightness, chroma, seed.hue, grounds, darker=False),
        "accent-strong": _readable(lighter, chroma * 0.8, seed.hue, grounds, darker=False),
        "on-accent": contrast.from_oklch(0.22, min(seed.chroma, 0.033), seed.hue),
        "on-soft": _readable(0.865, min(seed.chroma, 0.072), seed.hue, (tokens["soft"],), darker=False),
    }
    band = contrast.to_oklch(hero)
    return tokens | _hero(contrast.from_oklch(min(band.lightness, 0.3), min(band.chroma * 0.8, 0.09), band.hue))


def _hero(hero: str) -> dict[str, str]:
    """The band and what stands on it."""
    ink, ground = ink_on(hero), contrast.to_oklch(hero)
    is_light = ink != WHITE
    muted = _readable(0.35 if is_light else 0.89, min(ground.chroma, 0.03), ground.hue, (hero,), darker=is_light)
    focus = _FOCUS_ON_LIGHT if is_light else _FOCUS_ON_DARK
    veil = "0 0 0" if is_light else "255 255 255"
    return {
        "hero": hero,
        "on-hero": ink,
        "on-hero-muted": muted,
        "on-hero-focus": focus if contrast.ratio(focus, hero) >= SEEN else ink,
        "on-hero-line": f"rgb({veil} / {0.3 if is_light else 0.35})",
        "on-hero-veil": f"rgb({veil} / {0.07 if is_light else 0.12})",
    }


def _greys(scheme: dict[str, tuple[float, float]], seed: Oklch, *, darker: bool) -> dict[str, str]:
    vividness = 0.0 if seed.chroma < _GREY else min(seed.chroma / _VIVID, 1.0)
    tokens = {
        name: contrast.from_oklch(lightness, chroma * vividness, seed.hue)
        for name, (lightness, chroma) in scheme.items()
    }
    grounds = tuple(tokens[name] for name in _GROUNDS)
    tokens["muted"] = contrast.nearest(tokens["muted"], grounds, darker=darker)
    tokens["field-line"] = contrast.nearest(tokens["field-line"], grounds[:2], at_least=SEEN, darker=darker)
    return tokens


def _light_grounds(seed: Oklch) -> tuple[str, ...]:
    greys = _greys(_LIGHT, seed, darker=True)
    return tuple(greys[name] for name in _GROUNDS)


def _readable(lightness: float, chroma: float, hue: float, grounds: tuple[str, ...], *, darker: bool) -> str:
    return contrast.nearest(contrast.from_oklch(lightness, chroma, hue), grounds, darker=darker)


def _declared(tokens: dict[str, str]) -> str:
    return ";".join(f"--{name}:{value}" for name, value in tokens.items())
