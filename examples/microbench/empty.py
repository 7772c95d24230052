"""empty: does nothing, and imports nothing."""


def handler(event: object, context: object) -> None:
    return None
