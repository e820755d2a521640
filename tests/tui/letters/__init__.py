"""The screen of letters."""
