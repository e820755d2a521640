"""The terminal interface: frame, screens, panels and widgets over a workbench."""
