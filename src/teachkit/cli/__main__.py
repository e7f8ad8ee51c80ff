"""``python -m teachkit.cli``: the same as the command `teachkit`."""

from teachkit.cli.main import main

main()
