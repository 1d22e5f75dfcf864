"""What every API list shares: bounded pages, geography, and how errors are documented."""
