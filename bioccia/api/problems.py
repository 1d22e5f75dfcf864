"""How every operation can fail, written once into the OpenAPI document."""

from typing import Any

PROBLEM_SCHEMA = {
    "type": "object",
    "description": "RFC 9457. `fields` stands where a field is at fault.",
    "required": ["code", "status", "title", "detail"],
    "properties": {
        "code": {"type": "string", "examples": ["invalid"]},
        "status": {"type": "integer", "examples": [422]},
        "title": {"type": "string"},
        "detail": {"type": "string"},
        "fields": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
READ_PROBLEMS = {"401": "No identity, or a wrong one.", "403": "No mandate gives this right."}
ITEM_PROBLEMS = {"404": "Nothing there, or not yours to know."}
WRITE_PROBLEMS = {"409": "The state of the thing forbids this move."}
FIELD_PROBLEMS = {"422": "A field or a parameter is wrong; `fields` names it."}


def document_problems(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """Postprocessing hook of drf-spectacular: every operation says how it can fail."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    body = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            problems = {**READ_PROBLEMS, **(ITEM_PROBLEMS if "{" in path else {})}
            if method != "get":
                problems |= WRITE_PROBLEMS
            if method != "get" or operation.get("parameters"):
                problems |= FIELD_PROBLEMS
            for status, sentence in problems.items():
                operation["responses"].setdefault(status, {"description": sentence, "content": body})
    return result
