"""Serves moto on a socket that is already listening: `python local_moto.py <fd> <port>`.

moto's own command can only bind a port by its number, which another process may have taken by
then; werkzeug below it can serve an inherited socket.
"""

from __future__ import annotations

import sys

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server


def main(fd: int, port: int) -> None:
    """Serve until killed."""
    make_server(
        "127.0.0.1",
        port,
        DomainDispatcherApplication(create_backend_app),
        threaded=True,
        request_handler=MotoRequestHandler,
        fd=fd,
    ).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
