"""The one error of the lifecycle: a sentence that says what is wrong and what to do."""


class LifecycleError(Exception):
    """Something is missing, taken or broken outside the code; the message names it and the way out."""
