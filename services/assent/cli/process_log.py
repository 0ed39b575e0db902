"""The log of a command's own process."""

import logging

import structlog

from assent.cli.options import Options


def log_to_file(options: Options) -> None:
    """Write the log of this process to DATA/logs/up.log, not to the terminal."""
    if not options.verbose:
        folder = options.data / "logs"
        handler: logging.Handler = (
            logging.FileHandler(folder / "up.log") if folder.is_dir() else logging.NullHandler()
        )
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logging.getLogger().addHandler(handler)
        logging.getLogger().setLevel(logging.INFO)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
