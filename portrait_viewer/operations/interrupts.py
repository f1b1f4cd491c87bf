"""Counts the signals that ask to end, so that no code is torn apart where it stands."""

from __future__ import annotations

import os
import select
import signal
from types import FrameType, TracebackType
from typing import Any, Self

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """While entered, Ctrl-C, TERM and a closed terminal only count; who waits looks at it.

    A pipe wakes the wait: `threading.Event.set` in a signal handler can deadlock with the `wait`
    that it interrupts.
    """

    def __init__(self) -> None:
        self.count = 0
        self._former: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._out, self._in = os.pipe()
        os.set_blocking(self._in, False)
        self._former = {number: signal.signal(number, self._note) for number in _NUMBERS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        os.close(self._out)
        os.close(self._in)

    def asked(self, wait_s: float = 0.0) -> bool:
        """Whether to end; waits so long for it."""
        if not self.count:
            select.select([self._out], [], [], wait_s)
        return self.count > 0

    def insisted(self) -> bool:
        """Whether somebody asked again."""
        return self.count > 1

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self.count == 1:
            os.write(self._in, b"!")
