"""What a case of a rule is."""

# Title (the rule's name, and what the case shows), before, after. None: nothing changes.
Case = tuple[str, str, str | None]
