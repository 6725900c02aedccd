"""Plugins: one file per table in ``sqlqueries/``.

declarations  Table, column, rows: what a plugin's author writes
contract      the plugin as the load sees it, whichever way it was written
folder        which file means which table; the plugins of a process that lives long
loading       runs one file and reads what it defines
tables        the SQL tables that a declaration makes
statements    the SQL that it stands for; statements_<engine> says it for one engine
rules         what the words of a statement show, checked by every load
verification  what a parser shows, checked by `inspection` alone
inspection    every file of a folder, in a process of its own and in bounded time
places        file, line and column of what is wrong
"""
