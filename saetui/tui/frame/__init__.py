"""What every screen has around it: status line, tabs and footer."""
