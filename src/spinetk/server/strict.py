"""What every message of the page to the server is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(max_length=2000)]


class Strict(BaseModel):
    """Unknown fields are a mistake of the sender's."""

    model_config = ConfigDict(extra="forbid")
