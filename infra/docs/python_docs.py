"""The docstrings of a module, read from its source by griffe."""

import functools

import griffe

from infra.docs.markdown import one_line
from infra.docs.places import PACKAGES


@functools.cache
def module(name: str) -> griffe.Module:
    """One of our modules, read alone, because its package would take seconds."""
    [path] = [path for folder in PACKAGES if (path := folder / f"{name.replace('.', '/')}.py").is_file()]
    return griffe.visit(name.rpartition(".")[2], filepath=path, code=path.read_text(encoding="utf-8"))


def fields_with_docs(module_name: str, class_name: str) -> dict[str, str]:
    """A class's fields in their order, each with its docstring on one line; empty for none."""
    attributes = module(module_name)[class_name].attributes
    return {
        name: one_line(attribute.docstring.value if attribute.docstring else "")
        for name, attribute in attributes.items()
        if "property" not in attribute.labels
    }
