"""Deploy: the project's folder becomes stacks in one account and Region.

project      dynaurora.toml, the environment and flags: what is asked for
packaging    the two zips of the Lambdas
deployment   the stage: stacks, code, streams, mappings
"""
