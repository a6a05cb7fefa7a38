"""Runs moto's server, and says its port on the first line of output."""

from __future__ import annotations

import logging
import signal
import sys

from moto.server import ThreadedMotoServer


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # not a line per request
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    sys.stdout.write(f"{server.get_host_and_port()[1]}\n")
    sys.stdout.flush()
    signal.pause()


if __name__ == "__main__":
    main()
