"""Plugins: one file per table in ``sqlqueries/``.

declarations  Table, column, rows: what a plugin's author writes
contract      the plugin as the load sees it, whichever way it was written
folder        which file means which table; the plugins of a process that lives long
loading       runs one file and reads what it defines
tables        the SQL tables that a declaration makes
keys          whether a key tells the keys of its table apart
statements    the SQL that it stands for; statements_<engine> says it for one engine
showing       the same as a plugin written by hand
evolution     what brings an SQL table that is there to what is declared
tokens        the words of a statement
rules         what these show, checked by every load
verification  what a parser shows, checked by `inspection` alone: `relations`, `expressions`,
              `overlaps`, and the `limits` of an engine
inspection    every file of a folder, in a process of its own and in bounded time
places        file, line and column of what is wrong; `refused` by a database; `advice` on it
"""
