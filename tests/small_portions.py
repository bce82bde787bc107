"""Imported by a worker of a test: its imports of articles write PREEMPT_TEST_PORTION rows in a transaction."""

import os

from kb import importing

importing.BATCH = int(os.environ["PREEMPT_TEST_PORTION"])
