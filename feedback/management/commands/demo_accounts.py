"""`demo_accounts`: who can sign in to the demonstration."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from bioccia.commands import JsonCommand
from feedback.demo_accounts import open_demo_accounts


class Command(JsonCommand):
    """List the demo accounts, opening those that are missing."""

    help = (
        "List the accounts of the demonstration: e-mail, password, API token, roles, territories. Refuses outside "
        "the demonstration. With --json the last line of output is JSON, without it a table is printed first."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the form of the answer."""
        parser.add_argument("--json", dest="only_json", action="store_true", help="print the JSON line alone")

    def play(self, **options: Any) -> dict[str, Any]:
        """Open and list."""
        accounts = open_demo_accounts(at=timezone.now())
        if not options["only_json"]:
            for account in accounts:
                roles = ", ".join(account.roles)
                self.stdout.write(f"{account.email:28} {account.password}  {roles:22} {account.territories[0]}")
        return {"accounts": [account.as_json() for account in accounts]}
