"""Print a PDF's pages as JSON: `{"pages": [...]}`, or `{"fault": why it cannot be read}`."""

import json
import resource
import sys
from typing import Any

from megascience.ingest.pdf.text_layer.read import read_book

#: Address space that reading one PDF may take; one that needs more is an attack or a fault.
MEMORY_LIMIT = 8 * 2**30

resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
try:
    answer: dict[str, Any] = {"pages": read_book(sys.argv[1])}
except (ValueError, OSError) as error:
    answer = {"fault": str(error)}
except MemoryError:
    answer = {"fault": f"{sys.argv[1]} needs more than {MEMORY_LIMIT >> 30} GiB to be read"}
json.dump(answer, sys.stdout)
