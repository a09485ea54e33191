"""`response_format` given as a pydantic class -> a JSON schema: the class's own, or OpenAI's strict form of it.

Google and Anthropic read schemas as pydantic writes them. All others get the rules of OpenAI's strict mode:
https://platform.openai.com/docs/guides/structured-outputs (every object closed, every member required, no
`default: null`, a `$ref` with siblings spelled out).
"""

from __future__ import annotations

from typing import Any

# Strict mode would close objects that were left open, and ask for members that have defaults.
_PLAIN = frozenset({"gemini", "vertex_ai", "vertex_ai_beta", "anthropic"})


def is_class(given: Any) -> bool:
    """Whether it is a class with a JSON schema."""
    return isinstance(given, type) and hasattr(given, "model_json_schema")


def as_response_format(given: Any, provider: str | None = None) -> Any:
    """A class with a JSON schema becomes `{"type": "json_schema", ...}`; anything else stays as it is."""
    if not is_class(given):
        return given
    schema: dict[str, Any] = given.model_json_schema()
    if provider not in _PLAIN:
        schema = _strict(schema, schema)
    return {
        "type": "json_schema",
        "json_schema": {"schema": schema, "name": given.__name__, "strict": True},
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
