"""``python -m saetui`` is the ``saetui`` command."""

from saetui.cli import main

if __name__ == "__main__":
    main()
