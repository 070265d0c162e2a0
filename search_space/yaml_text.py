"""YAML without its traps: a key given twice is an error, and 3e8 is a number."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from search_space.errors import SpaceError, one_line


def read(path: Path) -> Any:
    """What a YAML file holds.

    Raises:
        SpaceError: a file that cannot be read or is no YAML; the message names file and line.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise SpaceError(f"{path}{line}: {one_line(Exception(error.problem))}") from error
    except yaml.YAMLError as error:
        raise SpaceError(f"{path} is no YAML: {one_line(error)}") from error
    except UnicodeDecodeError as error:
        raise SpaceError(f"{path} is no text: {error.reason}") from error
    except OSError as error:
        raise SpaceError(f"cannot read {path}: {error.strerror}") from error


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"key {key.value!r} is given twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


# YAML 1.1 asks for a dot and a sign in 3.0e+8; people, and YAML 1.2, write 3e8.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"), list("-+0123456789")
)
