"""What the account has left of what Dynaurora needs."""

from collections.abc import Iterator
from typing import Final

from dynaurora.adapters.aws import aws_errors
from dynaurora.deploy.doctor.findings import Finding, Patient, good, problem
from dynaurora.model.names import delivery_stream_name

_LOADS: Final = 5
"""LoadConcurrency of infra/pipeline.yaml."""
_KEPT_FREE: Final = 100
"""Lambda keeps so many for functions without a reservation.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"""
_DELIVERY_STREAMS: Final = 5000
"""Per Region, at most. https://docs.aws.amazon.com/firehose/latest/dev/limits.html"""


def concurrency(patient: Patient) -> Iterator[Finding]:
    """How many Lambdas run at once: the loads, a capture per shard, a transform beside it.

    A table has one shard for every 1,000 writes a second or so; one is counted here.
    """
    with aws_errors("Lambda"):
        limits = patient.client("lambda").get_account_settings()["AccountLimit"]
    sizes = patient.project.sizes
    loads = int(sizes.get("LoadConcurrency", _LOADS))
    captures = len(patient.tables) * int(sizes.get("ParallelizationFactor", 1))
    needed = loads + 2 * captures
    free = int(limits["UnreservedConcurrentExecutions"])
    where = "Lambda's concurrency"
    told = f"{free:,} unreserved of {limits['ConcurrentExecutions']:,}, {needed:,} needed at most"
    if free >= needed:
        yield good(where, told)
    else:
        yield problem(
            where,
            told,
            "Raise the quota Concurrent executions of Lambda (Service Quotas), free a reservation, "
            "or lower LoadConcurrency below [sizes].",
        )


def delivery_streams(patient: Patient) -> Iterator[Finding]:
    """One Firehose stream per table."""
    prefix = patient.project.delivery_stream_prefix
    wanted = {delivery_stream_name(prefix, table) for table in patient.tables}
    there = set(delivery_stream_names(patient))
    total = len(there | wanted)
    told = f"{len(there):,} are there, {len(wanted - there):,} would be added"
    if total <= _DELIVERY_STREAMS:
        yield good("Firehose streams", told)
    else:
        remedy = "Deploy some tables in another Region or account."
        yield problem("Firehose streams", f"{told}, at most {_DELIVERY_STREAMS:,}", remedy)


def delivery_stream_names(patient: Patient) -> Iterator[str]:
    """Of all Firehose streams in the Region."""
    firehose = patient.client("firehose")
    after: dict[str, str] = {}
    while True:
        with aws_errors("Firehose"):
            answer = firehose.list_delivery_streams(Limit=100, **after)
        names = answer["DeliveryStreamNames"]
        yield from names
        if not (answer["HasMoreDeliveryStreams"] and names):
            return
        after = {"ExclusiveStartDeliveryStreamName": names[-1]}
