"""Tailing DynamoDB Streams: nothing lost, nothing twice, children after their parents."""

from providers.streams.resume import Resume
from providers.streams.since import Since, parse_since
from providers.streams.source import StreamSource
from providers.streams.timing import Timing

__all__ = ["Resume", "Since", "StreamSource", "Timing", "parse_since"]
