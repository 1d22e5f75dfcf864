"""What every management command shares: progress on stderr, one JSON object as the last line of stdout."""

import json
import sys
from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError

from bioccia.errors import BiocciaError


class JsonCommand(BaseCommand):
    """A command whose last line of output is JSON, and whose exit code is not 0 on failure.

    Attributes:
        expected_errors: errors whose sentence is for the person who typed the command; others keep their traceback.
    """

    expected_errors: ClassVar[tuple[type[Exception], ...]] = (BiocciaError,)

    @abstractmethod
    def play(self, **options: Any) -> dict[str, Any]:
        """Do the work and return what to print."""

    def handle(self, *_args: Any, **options: Any) -> None:
        """Play, print, and turn expected errors into one sentence."""
        try:
            answer = self.play(**options)
        except self.expected_errors as error:
            raise CommandError(str(error)) from error
        text = json.dumps(answer, ensure_ascii=False, default=str)
        if file := options.get("json"):
            Path(file).write_text(json.dumps(answer, ensure_ascii=False, default=str, indent=2) + "\n")
        self.stdout.write(text)

    def say(self, sentence: Any) -> None:
        """One line of progress, kept out of the answer."""
        self.stderr.write(str(sentence))
        sys.stderr.flush()
