"""SQL: text in, text out. One file per dialect, with only what differs."""
