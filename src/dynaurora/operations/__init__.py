"""What an operator does: look, load again, let in, let go. Plain functions, no terminal.

desk        what they work with
again       lines that are loaded once more, from no raw object
quarantine  list, show, retry and discard what could not be read or stored
gaps        list, replay and close what is known to be missing
streams     list the streams that feed a table, and accept one
tables      park no longer, drop, register
queries     the SELECT queries of a plugin
status      is all well, and what mends what is not
"""
