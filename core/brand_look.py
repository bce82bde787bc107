"""A shop's look as templates read it: addresses, colours, and which logo can be seen on which ground."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field

from core import brand_colours, contrast

DEFAULT_NAME = "Fernhill & Co"  # the demo's shop, whose leaf and fern are drawn in static/img
DEFAULT_ACCENT = "#1d5c42"  # what static/css/tokens.css is drawn with
_SHOWN_WIDTH, _SHOWN_HEIGHT = 200, 36  # pixels at most
_WIDE = 1.6  # width to height: from here on a logo is taken to spell the name
_NIGHT_PLATE = "#18201b"
_BARELY_SEEN = 1.6  # a contrast ratio; logos are free of WCAG's limits, but not of being seen


@dataclass(frozen=True)
class Link:
    """One of the links in the footer."""

    label: str
    url: str


@dataclass(frozen=True)
class Mark:
    """A logo without its bytes: core.models.BrandImage."""

    digest: str
    width: int
    height: int
    darkest: float
    lightest: float
    has_own_ground: bool
    has_icon: bool

    @property
    def url(self) -> str:
        return f"/brand/logo/{self.digest}.webp"

    @property
    def mail_url(self) -> str:
        """A path: mails put the site before it."""
        return f"/brand/logo/{self.digest}.png"

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height on a page, in pixels."""
        scale = min(_SHOWN_WIDTH / self.width, _SHOWN_HEIGHT / self.height)
        return round(self.width * scale), round(self.height * scale)

    @property
    def is_wide(self) -> bool:
        return self.width / self.height >= _WIDE

    def plate_on(self, ground: str) -> str:
        """The colour of the plate that it needs to be seen on `ground`; "" where it needs none."""
        under = contrast.luminance(ground)
        is_night = contrast.ratio(ground, contrast.WHITE) > contrast.ratio(ground, contrast.BLACK)
        ink = self.darkest if is_night else self.lightest  # what is nearest to the ground
        if self.has_own_ground or contrast.ratio_of(ink, under) >= _BARELY_SEEN:
            return ""
        return contrast.WHITE if is_night else _NIGHT_PLATE


@dataclass(frozen=True)
class Look:
    """What customers see of the shop. `number` is the row's of core.models.Brand, 0 for the settings' own look."""

    number: int
    name: str
    mail_sender: str
    accent: str
    hero: str
    logo: Mark | None = None
    logo_dark: Mark | None = None
    support_email: str = ""
    support_hours: str = ""
    links: tuple[Link, ...] = ()
    is_own: bool = False  # of a shop that said what it looks like: no leaf, no fern
    preview_css_url: str = field(default="", compare=False)

    @functools.cached_property
    def palette(self) -> brand_colours.Palette:
        return brand_colours.derive(self.accent, self.hero)

    @functools.cached_property
    def version(self) -> str:
        """Number and a hash of everything, so that a release which draws otherwise has another version too."""
        said = repr((self, self.css))
        return f"{self.number}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"

    @functools.cached_property
    def css(self) -> str:
        """The style sheet on top of tokens.css."""
        light, dark = self.palette.light, self.palette.dark
        sheet = self.palette.sheet()
        if self.is_own:
            sheet += ":root{--hero-art:none}\n"
        if self.logo is None:
            return sheet
        night = self.logo_dark or self.logo
        day_on_hero = self.logo if light["on-hero"] != contrast.WHITE else night
        width, height = self.logo.shown
        size = f"--logo-w:{width / 16:g}rem;--logo-h:{height / 16:g}rem;"
        by_day = size + _shown(self.logo, light["surface"]) + _shown(day_on_hero, light["hero"], "-hero")
        by_night = _shown(night, dark["surface"]) + _shown(night, dark["hero"], "-hero")
        return (
            f"{sheet}:root{{{by_day}}}\n"
            f'@media (prefers-color-scheme:dark){{:root:not([data-theme="light"]){{{by_night}}}}}\n'
            f'[data-theme="dark"]{{{by_night}}}\n'
        )

    @property
    def css_url(self) -> str:
        """ "" where tokens.css says it all."""
        if self.preview_css_url:
            return self.preview_css_url
        return "" if self.accent == DEFAULT_ACCENT and not self.is_own else f"/brand/{self.version}.css"

    @property
    def spells_name(self) -> bool:
        """Whether the logo says the name, so that it need not stand beside it."""
        return self.logo is not None and self.logo.is_wide

    @property
    def initial(self) -> str:
        return self.name[:1].upper()

    @property
    def icon_url(self) -> str:
        """For a browser's tab: the logo where it is square enough, else the name's first letter on the accent. "" for
        the demo's shop, whose leaf is a static file.
        """
        if self.logo is not None and self.logo.has_icon:
            return f"/brand/icon/{self.logo.digest}.png"
        return f"/brand/{self.version}.svg" if self.is_own else ""

    @property
    def touch_icon_url(self) -> str:
        """For a phone's home screen; else as icon_url. "" also for a letter that brand_images cannot draw."""
        if self.logo is not None and self.logo.has_icon:
            return f"/brand/touch/{self.logo.digest}.png"
        return f"/brand/{self.version}.png" if self.is_own and self.initial.isascii() else ""

    @property
    def theme_light(self) -> str:
        return self.palette.light["surface"]

    @property
    def theme_dark(self) -> str:
        return self.palette.dark["surface"]

    @property
    def mail_logo(self) -> Mark | None:
        """For the band on top of a mail, which has the accent's colour."""
        return self.logo_dark or self.logo

    @property
    def mail_band_on_dark(self) -> str:
        """The band in a mail program's dark scheme, under white text."""
        seed = contrast.to_oklch(self.accent)
        return contrast.from_oklch(min(seed.lightness, 0.3), seed.chroma * 0.6, seed.hue)

    @property
    def mail_plate(self) -> str:
        """One for both schemes: many mail programs turn the colours by themselves."""
        if self.mail_logo is None:
            return ""
        return self.mail_logo.plate_on(self.accent) or self.mail_logo.plate_on(self.mail_band_on_dark)


def letter_icon(look: Look) -> str:
    """An SVG of the name's first letter on the accent, for the tab of a shop without a logo or with a wide one."""
    letter = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(look.initial, look.initial)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<rect width="32" height="32" rx="8" fill="{look.accent}"/>'
        '<text x="16" y="22.5" text-anchor="middle" font-family="system-ui,-apple-system,Segoe UI,Roboto,sans-serif" '
        f'font-size="19" font-weight="700" fill="#fff">{letter}</text></svg>'
    )


def _shown(mark: Mark, ground: str, where: str = "") -> str:
    plate = mark.plate_on(ground)
    pad = "0.25rem 0.5rem" if plate else "0px"
    return f"--logo{where}:url({mark.url});--plate{where}:{plate or 'transparent'};--plate-pad{where}:{pad};"
