"""JSON that no sender can break us with."""

import json
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class BoundedJSONParser(JSONParser):
    """JSON, but a thousand brackets in brackets are a mistake, not a failure of ours; so is half a character."""

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        """Read the body.

        Raises:
            ParseError: it is not JSON, too deep, or not text.
        """
        try:
            body = super().parse(stream, media_type, parser_context)
            # A lone surrogate passes as JSON, and breaks the answer that quotes it.
            json.dumps(body, ensure_ascii=False).encode()
        except RecursionError as error:
            raise ParseError(_("This JSON is nested too deeply to be read.")) from error
        except UnicodeEncodeError as error:
            raise ParseError(_("This JSON holds half of a character: write both halves, or UTF-8.")) from error
        return body
