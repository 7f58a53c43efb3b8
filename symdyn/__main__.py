"""`python -m symdyn`, the same as the command `symdyn`."""

from symdyn.cli.main import main

if __name__ == "__main__":
    main()
