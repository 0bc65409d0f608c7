"""`python -m megascience` is the command `megascience`."""

import sys

from megascience.cli.main import main

sys.exit(main())
