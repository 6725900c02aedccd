"""Doctor: what would keep a project from being deployed, or its changes from arriving.

findings   what a check finds, and what it may look at
machine    this machine: tools and plugins
account    who we are in AWS, and what we may do
quotas     what the account has left
names      whether one is somebody else's, or what had it is gone
stacks     whether one is stuck
streams    the tables, their streams and who reads them
network    the subnets and groups of the load
ways       whether routes and endpoints lead to what it needs
egress     whether its groups let it go there
own        what a network and a cluster of the project's own need before they are made
database   the server, as the load or this machine sees it
rounds     all of them, at once
"""
