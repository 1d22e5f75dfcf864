"""Run one command in this process, as its arguments would be typed."""

import json
from argparse import ArgumentParser


def run_command(module, *words):
    """The answer of a command, through JSON as the command line prints it."""
    parser = ArgumentParser()
    module.add_arguments(parser)
    return json.loads(json.dumps(module.run(parser.parse_args([str(word) for word in words]))))
