"""Visitors who never were: they walk the real pages, so that a demo, a test or a replay has honest rows to look at.

Nothing here writes a row itself. What the simulator knows and the product must find out again (how good an article is,
who would contact us) is in `Truth`.
"""
