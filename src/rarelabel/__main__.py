"""``python -m rarelabel`` is the command ``rarelabel``."""

from rarelabel.cli import main

if __name__ == "__main__":
    main(prog_name="rarelabel")
