"""A plugin inferred from items: what `dynaurora new` writes.

    items ─► entities ─► evidence of each attribute ─► columns and rows ─► named ─► a plugin's text
                                                                                       │
    items ────────────────────────────────────────────────────────────────► proof ◄────┘

Pure functions over items in DynamoDB JSON; who reads them is `dynaurora.adapters.items`. Types are
as wide as what was seen allows: what a later item holds is refused only if it is truly different.
"""
