"""Plugins: one file per table in ``sqlqueries/``.

folder        finds the files, loads one, lists what is wrong with the others
declarations  Table, column, rows: what a plugin's author writes
contract      the plugin as the load sees it, whichever way it was written
statements    the SQL that a declaration stands for
verification  the rules a plugin must keep
"""
