"""What `assent_contracts.client` exports is what a program needs, and is loaded when it is used."""

import ast
import inspect
import subprocess
import sys
from importlib import import_module

import pytest

from assent_contracts import client


def test_every_export_is_there_and_is_the_one_that_type_checkers_see() -> None:
    imported = {
        name.name: node.module
        for node in ast.walk(ast.parse(inspect.getsource(client)))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("assent_contracts.")
        for name in node.names
    }
    assert sorted(imported) == sorted(client.__all__)
    for name, module in imported.items():
        assert getattr(client, name) is getattr(import_module(str(module)), name)


def test_other_names_are_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = client.nonsense


def test_handler_types_are_loaded_without_a_kafka_client() -> None:
    program = "import sys; from assent_contracts.client import Applied; print('aiokafka' in sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    assert output.split() == ["False"]
