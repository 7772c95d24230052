"""Lets the X-Ray SDK time the calls of the user's code, which need not be changed for it."""

from __future__ import annotations

import sys


def patch_libraries() -> None:
    """Patch all libraries that the SDK knows; to be called before the user's module is imported.

    An SDK that does not work here costs the times, never the function.
    """
    try:
        from aws_xray_sdk.core import patch_all

        patch_all()
    except Exception as error:
        sys.stderr.write("gammaray: X-Ray's SDK is not used: %s\n" % type(error).__name__)
