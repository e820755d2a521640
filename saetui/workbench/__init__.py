"""What a person works with, without a terminal: the store, what is looked at, tables, links, words."""
