"""A child process that does not outlive its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def dying_with_parent(number: signal.Signals) -> Callable[[], None]:
    """For Popen's preexec_fn: the child gets `number` when the thread that started it ends, even by kill -9.

    Only Linux can; elsewhere nothing happens. It must be the last thing before exec, after any change of
    account, which clears the wish. libc is loaded here, in the parent: after the change of account Python's
    own files may be unreadable.
    """
    parent = os.getpid()
    if sys.platform != "linux":
        return lambda: None
    prctl = ctypes.CDLL(None).prctl

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask
