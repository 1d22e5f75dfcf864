"""What drf-spectacular's document lacks: how every operation can fail, and what a GeoJSON geometry is."""

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
BODY_PROBLEMS = {
    "400": "The body cannot be read.",
    "413": "The body is too large.",
    "415": "The body is of another kind than those named here.",
}
FIELD_PROBLEMS = {"422": "A field or a parameter is wrong; `fields` names it."}


def document_problems(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """Postprocessing hook of drf-spectacular: every operation says how it can fail."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    body = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            for status, sentence in _problems_of(path, method, operation).items():
                operation["responses"].setdefault(status, {"description": sentence, "content": body})
    return result


def _problems_of(path: str, method: str, operation: dict[str, Any]) -> dict[str, str]:
    problems = {**READ_PROBLEMS, **(ITEM_PROBLEMS if "{" in path else {})}
    if method != "get":
        problems |= WRITE_PROBLEMS
    if "requestBody" in operation:
        problems |= BODY_PROBLEMS
    if method != "get" or operation.get("parameters"):
        problems |= FIELD_PROBLEMS
    return problems


GEOMETRY_SCHEMA = {
    "description": "A GeoJSON geometry in EPSG:4326; null with `?geometry=none`.",
    "type": ["object", "null"],
    "required": ["type", "coordinates"],
    "properties": {
        "type": {"type": "string", "enum": ["Point", "MultiPoint", "Polygon", "MultiPolygon"]},
        "coordinates": {"type": "array", "items": {}, "examples": [[2.35, 43.6]]},
    },
}


def document_geometries(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """Postprocessing hook: one geometry for all features, null allowed; the collections nobody refers to go."""
    schemas = result["components"]["schemas"]
    schemas["Geometry"] = GEOMETRY_SCHEMA
    for name in [name for name in schemas if f"Paginated{name}" in schemas]:
        del schemas[name]
    for schema in schemas.values():
        properties = schema.get("properties", {})
        if properties.keys() >= {"geometry", "properties"}:
            properties["geometry"] = {"$ref": "#/components/schemas/Geometry"}
    return result
