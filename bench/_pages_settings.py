"""The product's settings for the bare view."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "bench._pages_bare"
