# SPDX-License-Identifier: Apache-2.0
"""Sessions that wait for work.  A session is used by one thread at a time; making one takes longer
than a small prediction, so those of the last options are kept."""

import contextlib
import os
import threading

from . import _core


class Sessions:
    """The sessions of a model's weights as they are; new weights get a new object."""

    def __init__(self, handle):
        self.handle = handle
        self._lock = threading.Lock()
        self._key = None
        self._idle = []

    @contextlib.contextmanager
    def use(self, others, options, fill):
        """A session of these weights, averaged with those of others, for one thread."""
        models = (self.handle,) + others
        key = (models, tuple(options), fill, os.environ.get("UNET_DEVICE"))
        with self._lock:
            if self._key != key:
                self._key, self._idle = key, []
            session = self._idle.pop() if self._idle else None
        if session is None:
            session = _core.session_create(models, options, fill)
        yield session  # after an exception it goes, whatever state it is in
        with self._lock:
            if self._key == key and len(self._idle) < (os.cpu_count() or 1):
                self._idle.append(session)
