"""UpdateWebsite: tells a website what has changed in the region's table."""

from __future__ import annotations

import json
import os
from typing import Any

import urllib3

http = urllib3.PoolManager()


def handler(event: dict[str, Any], context: Any) -> None:
    website = os.environ.get("WEBSITE_URL")
    for record in event["Records"]:
        picture_id = record["dynamodb"]["Keys"]["id"]["S"]
        if website:
            news = json.dumps({"id": picture_id, "change": record["eventName"]})
            http.request("POST", website, body=news, timeout=5.0)
        print(f"{picture_id}: {record['eventName']}")
