"""Pure values: what a change is, how it is named, counted and compared. Nothing here waits."""
