"""Clients for the tests, apart from support.py so that this can be imported without boto3."""

from __future__ import annotations

from typing import Any

import boto3
import botocore.loaders
import botocore.session

from tests.unit.recorder.support import REGION

_LOADER = botocore.loaders.create_loader()


def boto_session() -> Any:
    """Make a new boto3 session that need not read the service models from disk again."""
    core = botocore.session.Session()
    core.register_component("data_loader", _LOADER)
    return boto3.session.Session(region_name=REGION, botocore_session=core)
