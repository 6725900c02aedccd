"""The servers that stand for AWS and Aurora on one machine.

``ministack`` starts an emulator of AWS, ``postgresql`` a database, and ``machine`` both of them in
one folder. They are real servers, each a process of its own. They are reached from this machine
only: the emulator listens on 127.0.0.1, the database on a socket in a private folder.

The pipeline does not know this package: what it is told is a URL, as on AWS. What is needed here
is the extra ``local`` (``pip install 'dynaurora[local]'``).
"""
