"""Every change of a DynamoDB table lands in Amazon Aurora. A table is one Python file."""

__version__ = "0.1.0"
