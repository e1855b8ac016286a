"""The JSON schema of the configuration file, for editors: names, types, bounds, defaults and meanings."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from contextprune.settings.groups import Group
from contextprune.settings.model import model_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Untitled(GenerateJsonSchema):
    """Schemas whose properties have no titles: these would only repeat the names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - theirs
        return False


def schema_of(top: Group, *inner: Group) -> dict[str, Any]:
    """Draft 2020-12 of a file that has the settings of `top`, and a table for each of the `inner` groups."""
    schema = model_of(top).model_json_schema(schema_generator=_Untitled)
    definitions = schema.pop("$defs", {})
    for group in inner:
        table = model_of(group).model_json_schema(schema_generator=_Untitled)
        definitions |= table.pop("$defs", {})
        schema["properties"][group.table] = table
    head = {"$schema": DIALECT, "title": "contextprune.toml", "description": "Settings of contextprune."}
    return {**schema, **head, "$defs": definitions}
