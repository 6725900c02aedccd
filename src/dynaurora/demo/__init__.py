"""The demo: real data through every part of the pipeline, on this machine.

    datasets      rows of CSV and JSON files become items
    fleet         and some of these one table with several kinds of items
    writing       items are written to DynamoDB, many at once
    waves         updates, deletes and new inserts on some of them
    arrival       how far the changes have come, asked of the database and S3
    latency       how long a single change takes to be a row
    comparison    every item against its row, by value
    sums          what SQL has summed up against sums of the items
    road          the demo itself: one phase after another

Everything runs through the same stages, templates, Lambdas and plugins as on AWS. Nothing is
printed here: who calls is told each step as a value, and gets the outcome as one.
"""
