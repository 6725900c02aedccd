"""What dynaurora.toml may say."""

from collections.abc import Mapping
from typing import Final

from dynaurora.deploy.own import AURORA_PARAMETERS, NETWORK_PARAMETERS

PIPELINE_SIZES: Final = frozenset(
    {
        "ArchiveExpiresAfterDays",
        "ArchiveInfrequentAfterDays",
        "CaptureMemoryMegabytes",
        "CaptureTimeoutSeconds",
        "LoadBatchSize",
        "LoadConcurrency",
        "LoadMemoryMegabytes",
        "LoadTimeoutSeconds",
        "LoadWindowSeconds",
        "LocalRetrySeconds",
        "LogRetentionDays",
        "NoncurrentDays",
        "TransformMemoryMegabytes",
        "TransformTimeoutSeconds",
    }
)
TABLE_SIZES: Final = frozenset(
    {
        "BufferMegabytes",
        "BufferSeconds",
        "CaptureBatchSize",
        "LogRetentionDays",
        "ParallelizationFactor",
        "TransformBufferSeconds",
    }
)
"""What ``[sizes]`` may say: parameters of infra/pipeline.yaml and infra/table.yaml."""

ALARM_SIZES: Final = frozenset(
    {"CaptureTimeoutSeconds", "LoadTimeoutSeconds", "TransformTimeoutSeconds"}
)
"""Those of them that infra/alarms.yaml compares with."""

TABLES: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset(
        {
            *("project", "region", "sqlqueries", "delivery_stream_prefix"),
            *("runtime", "architecture", "stream_failures"),
        }
    ),
    "database": frozenset(
        {
            *("url", "secret_arn", "iam", "resource_id", "ca", "schema"),
            *("private", "subnets", "security_groups"),
        }
    ),
    "network": NETWORK_PARAMETERS,
    "aurora": AURORA_PARAMETERS,
    "security": frozenset({"key", "access_logs", "boundary"}),
    "alarms": frozenset({"off", "email", "topic", "cluster", "max_connections"}),
    "sizes": PIPELINE_SIZES | TABLE_SIZES,
}
"""What the file may say, by its tables."""

KEYS: Final = frozenset(
    f"{table}.{key}" if table else key for table, keys in TABLES.items() for key in keys
)
"""Every key of the file, as ``database.url``. `overrides.variable_of` is its variable."""

BY_RULE: Final = KEYS - {"database.url"}
"""A URL in the environment is told apart from one in the file (`read_project`)."""
