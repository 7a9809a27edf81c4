"""Builds the site and serves it to this machine alone: ``make serve``, ``make serve PORT=8001``."""

from __future__ import annotations

import argparse
import functools
import http.server
import sys
from pathlib import Path
from typing import Any

from tools.site import build

HOST = "127.0.0.1"
PORT = 8000


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files, and says something only where one is missing."""

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        pass


def server(port: int, folder: Path) -> http.server.ThreadingHTTPServer:
    """A server that holds the port. Raises ``OSError`` with a message where it cannot be had."""
    handler = functools.partial(Handler, directory=str(folder))
    try:
        return http.server.ThreadingHTTPServer((HOST, port), handler)
    except OverflowError as error:
        raise OSError(f"{port} is no port: take a number from 1024 to 65535.") from error
    except OSError as error:
        another = port + 1 if 1024 <= port < 65535 else PORT
        raise OSError(
            f"Port {port} cannot be had ({error.strerror}). If another `make serve` runs, its "
            f"address is http://{HOST}:{port}; else take another: make serve PORT={another}"
        ) from error


def main() -> int:
    """Command line. The port is taken before the build, which takes longer than to ask."""
    parser = argparse.ArgumentParser(prog="make serve", description="Build and serve the site.")
    parser.add_argument("--port", type=int, default=PORT, help=f"default {PORT}")
    port = parser.parse_args().port
    try:
        serving = server(port, build.OUTPUT)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    with serving:
        if status := build.make(build.OUTPUT):
            return status
        address = f"http://{HOST}:{serving.server_port}"
        print(f"The site is at {address} until you press Ctrl-C.", flush=True)
        try:
            serving.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
