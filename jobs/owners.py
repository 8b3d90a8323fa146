"""Whose a job or a model is. An owner is a name; what was made without a key belongs to the anonymous one."""

from __future__ import annotations

import re

ANONYMOUS = ""
EVERYBODY = "*"  # in an owner's place: everybody's things; no owner has this name
OWNER = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
