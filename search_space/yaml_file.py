"""Read YAML 1.2: 3e8 is a number, and a duplicate key is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode

from search_space.errors import SpaceError, one_line


def read_yaml(path: Path) -> Any:
    """Read the content of a YAML file.

    Raises:
        SpaceError: a file that cannot be read or is not YAML; the message names file and line.
    """
    try:
        return parse_yaml(path.read_text(encoding="utf-8"), path)
    except UnicodeDecodeError as error:
        raise SpaceError(f"{path} is not a text file: {error.reason}") from error
    except OSError as error:
        raise SpaceError(f"cannot read {path}: {error.strerror}") from error


def parse_yaml(text: str, source: object) -> Any:
    """Parse YAML text; `source` names its origin in the SpaceError for invalid YAML."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    try:
        return yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise SpaceError(f"{source}{line}: {one_line(Exception(error.problem))}") from error
    except YAMLError as error:
        raise SpaceError(f"{source} is not valid YAML: {one_line(error)}") from error
    except RecursionError as error:
        raise SpaceError(f"{source} is nested too deeply") from error


class _Constructor(SafeConstructor):
    def flatten_mapping(self, node: MappingNode) -> Any:
        """Refuse duplicate keys; ruamel.yaml would accept them next to a merge key (<<)."""
        seen = set()
        for key, _ in () if node.merge else node.value:  # merged already: no longer its own keys
            if isinstance(key, ScalarNode):
                if key.value in seen:
                    problem = f"duplicate key {key.value!r}"
                    raise DuplicateKeyError(None, None, problem, key.start_mark)
                seen.add(key.value)
        return super().flatten_mapping(node)
