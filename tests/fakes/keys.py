"""A profile whose access keys can be renewed, as by signing in again."""

from __future__ import annotations

from pathlib import Path

PROFILE = "worker"


class Keys:
    """Writes a credentials file; AWS_SHARED_CREDENTIALS_FILE must name it.

    Attributes:
        current: the access key that is in the file.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._count = 0
        self.current = ""
        self.renew()

    def renew(self) -> None:
        self._count += 1
        self.current = f"KEY{self._count}"
        self._file.write_text(
            f"[{PROFILE}]\naws_access_key_id = {self.current}\naws_secret_access_key = secret\n"
        )

    def remove(self) -> None:
        self._file.write_text("")
