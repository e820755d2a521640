"""Every action of a person as one typed command; the workbench they act on; recording them and doing them again."""
