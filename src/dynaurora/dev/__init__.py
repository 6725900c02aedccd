"""Development: a pipeline on this machine that follows the folder of plugins.

    plugins       what has changed in ``sqlqueries/``, and whether it is right
    tables        which DynamoDB tables are there, and which are new
    filling       items that were in a table before its stream
    arrivals      what has arrived, asked of the database and S3
    development   looks at all of them again and again, and acts

Nothing is printed here: who calls is told the news as values.
"""
