"""Code that stands in the documents, to be run as whoever copies it would."""

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def code_in(document: str) -> str:
    """The one piece of Python that a document has."""
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / document).read_text(), re.S)
    return str(code)
