"""JSON files with one document, or with several that follow each other."""

import json
import re
from typing import Any

MAX_DOCUMENTS = 10_000
_WHITESPACE = re.compile(r"[ \t\r\n]*")


def load_documents(decoder: json.JSONDecoder, text: str) -> Any:
    """Return the document of a text, or a list of its documents if they are several objects.

    Raises:
        json.JSONDecodeError: If the text is anything else.
    """
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        if error.msg != "Extra data" or text[error.pos] != "{":
            raise
    documents, position = [], _end_of_space(text, 0)
    while position < len(text):
        document, end = decoder.raw_decode(text, position)
        documents.append(document)
        if len(documents) > MAX_DOCUMENTS:
            raise ValueError(f"more than {MAX_DOCUMENTS} documents")
        position = _end_of_space(text, end)
    return documents


def _end_of_space(text: str, position: int) -> int:
    match = _WHITESPACE.match(text, position)
    return position if match is None else match.end()
