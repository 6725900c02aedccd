"""Deploy: the project's folder becomes stacks in one account and Region.

project      dynaurora.toml, the environment and flags: what is asked for
packaging    the two zips of the Lambdas, of our files and wheels; code brings them to S3
stacks       the stacks in their order, and what each is given
tables       per table: its stream, its registration, its stack
deployment   the stage that does it all; outcomes is what it tells
dry_run      what it would do; templates is what it would ask for, without an account
destroying   the stage that takes it away again
doctor       what would keep it from being done
"""
