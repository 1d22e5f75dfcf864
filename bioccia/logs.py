"""Structured logs: one JSON object a line, with the id of the run or of the request that wrote it."""

import logging

import structlog
from structlog.types import Processor

SHARED_PROCESSORS: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def structlog_settings(*, debug: bool) -> dict:
    """Configure structlog, and return Django's LOGGING so that every library's lines take the same form.

    Args:
        debug: lines for people (colours, aligned) instead of lines for machines.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED_PROCESSORS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer = structlog.dev.ConsoleRenderer() if debug else structlog.processors.JSONRenderer()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processor": renderer,
                "foreign_pre_chain": SHARED_PROCESSORS,
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["console"], "level": logging.INFO},
        "loggers": {
            name: {"level": logging.WARNING} for name in ("rasterio", "pyogrio", "numba", "codecarbon", "fiona")
        },
    }
