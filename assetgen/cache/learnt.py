"""What calls taught about models that no table knew: `models.json` in the cache folder.

Only a memory of what worked. Losing it costs one free failed call a model, so whatever cannot be
read counts as not known.
"""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING

from assetgen.cache.durable import cache_errors, make_folder, read_only_error, write_synced
from assetgen.cache.locks import hold

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROUTES = frozenset({"chat", "images"})
_PATIENCE_S = 60.0

Lessons = dict[str, bool | str]


class FileLearnt:
    """Remembers a model's class (`image_only`) and `route`, for all projects of the user."""

    def __init__(self, root: str, *, create: bool) -> None:
        self._root = root
        self._create = create
        self._path = os.path.join(root, "models.json")
        self._lock_path = os.path.join(root, "models.lock")
        self._threads = threading.Lock()
        self._known: dict[str, Lessons] | None = None

    def known(self) -> Mapping[str, Mapping[str, bool | str]]:
        """What is known of every model; see `get`."""
        with self._threads:
            if self._known is None:
                self._known = self._read()
            return self._known

    def get(self, model: str) -> Mapping[str, bool | str] | None:
        """What is known of `model`: `image_only` (bool), `route` (`chat` or `images`), or either.

        The file is read once; what other processes learn meanwhile shows in the next run.
        """
        return self.known().get(model)

    def set(self, model: str, *, image_only: bool | None = None, route: str | None = None) -> None:
        """Remember what is not None.

        Raises:
            CacheError: the file cannot be written.
        """
        if not self._create:
            raise read_only_error(self._root)
        news = _lessons({"image_only": image_only, "route": route})
        with self._threads, hold(self._lock_path, timeout_s=_PATIENCE_S):
            known = self._read()
            known[model] = known.get(model, {}) | news
            self._known = known
            text = json.dumps(known, indent=1, sort_keys=True) + "\n"
            with cache_errors("write", self._path):
                make_folder(self._root)
                write_synced(self._path, text.encode(), mode=0o600, through=self._root)

    def _read(self) -> dict[str, Lessons]:
        try:
            with open(self._path, "rb") as file:
                document = json.load(file)
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(document, dict):
            return {}
        return {model: found for model, fields in document.items() if (found := _lessons(fields))}


def _lessons(fields: object) -> Lessons:
    """The fields that say something; outside data enters here."""
    if not isinstance(fields, dict):
        return {}
    lessons: Lessons = {}
    image_only, route = fields.get("image_only"), fields.get("route")
    if isinstance(image_only, bool):
        lessons["image_only"] = image_only
    if isinstance(route, str) and route in _ROUTES:
        lessons["route"] = route
    return lessons
