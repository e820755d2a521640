"""Widgets of the terminal interface: tables over queries, strips, plots and cards."""
