"""`python -m bestguess`: the command line, where `bestguess` itself is not on the path."""

from bestguess.cli.main import main

if __name__ == "__main__":
    main()
