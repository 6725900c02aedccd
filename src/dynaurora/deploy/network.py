"""What a network of our own needs beside its template."""

from dynaurora.adapters.ec2 import empty_security_group, s3_prefix_list
from dynaurora.deploy.account import Account
from dynaurora.deploy.project import Project
from dynaurora.deploy.stacks import Output


def addresses_of_s3(project: Project, account: Account) -> str:
    """The prefix list of S3, "" where no network is asked for. An emulator has no addresses."""
    if project.own.network is None:
        return ""
    return "pl-local" if project.is_local else s3_prefix_list(account.client("ec2"), account.region)


def close_default_group(project: Project, account: Account, output: Output) -> None:
    """The group that AWS makes with every VPC lets its members talk to each other and to everybody.

    Nothing of ours is in it; a template cannot take its rules away.
    """
    if project.own.network is not None:
        empty_security_group(account.client("ec2"), output("network", "DefaultSecurityGroup"))
