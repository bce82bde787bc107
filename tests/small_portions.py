"""Imported by a worker of a test: its imports of articles write few at a time."""

from kb import importing

SIZE = 20

importing.BATCH = SIZE
