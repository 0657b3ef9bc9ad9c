"""`issuewright verify`: the whole verification of two commits, alone, without GitHub, task or database."""
