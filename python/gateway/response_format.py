"""`response_format` given as a pydantic class -> OpenAI's strict JSON schema.

The rules of strict mode: https://platform.openai.com/docs/guides/structured-outputs (every object closed, every
member required, no `default: null`, a `$ref` with siblings spelled out).
"""

from __future__ import annotations

from typing import Any


def as_response_format(given: Any) -> Any:
    """A class with a JSON schema becomes `{"type": "json_schema", ...}`; anything else stays as it is."""
    if not isinstance(given, type) or not hasattr(given, "model_json_schema"):
        return given
    schema: dict[str, Any] = given.model_json_schema()
    return {
        "type": "json_schema",
        "json_schema": {"schema": _strict(schema, schema), "name": given.__name__, "strict": True},
    }


def _strict(schema: Any, root: dict[str, Any]) -> Any:
    if not isinstance(schema, dict):
        return schema
    for name in ("$defs", "definitions", "properties"):
        for key, member in (schema.get(name) or {}).items():
            schema[name][key] = _strict(member, root)
    if schema.get("type") == "object" and "additionalProperties" not in schema:
        schema["additionalProperties"] = False
    if isinstance(schema.get("properties"), dict):
        schema["required"] = list(schema["properties"])
    if isinstance(schema.get("items"), dict):
        schema["items"] = _strict(schema["items"], root)
    if isinstance(schema.get("anyOf"), list):
        schema["anyOf"] = [_strict(variant, root) for variant in schema["anyOf"]]
    if isinstance(schema.get("allOf"), list):
        variants = [_strict(variant, root) for variant in schema["allOf"]]
        if len(variants) == 1:
            del schema["allOf"]
            schema.update(variants[0])
        else:
            schema["allOf"] = variants
    if "default" in schema and schema["default"] is None:
        del schema["default"]
    if isinstance(schema.get("$ref"), str) and len(schema) > 1:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        siblings = {key: value for key, value in schema.items() if key != "$ref"}
        return _strict({**target, **siblings}, root)
    return schema
