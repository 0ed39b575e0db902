"""Flattens nested groups, with the shortest path to each member. Pure."""

from assent.directory.directory_export import Export, ExportError, NestedGroup
from assent_contracts.governance_objects import Group
from assent_contracts.limits import NESTING_MAX


def flattened(export: Export) -> dict[str, Group]:
    """Every group with all of its active members, by id. Raises ExportError for a group nested in itself.

    The path of a member through other groups is their ids, outermost first.
    """
    groups = {group.id: group for group in export.groups}
    _refuse_cycles(groups)
    active = {user.id for user in export.users if user.active}
    return {name: _flat(group, groups, active) for name, group in groups.items()}


def _flat(group: NestedGroup, groups: dict[str, NestedGroup], active: set[str]) -> Group:
    paths: dict[str, tuple[str, ...]] = {}
    seen = {group.id}
    level: list[tuple[str, tuple[str, ...]]] = [(group.id, ())]
    while level:
        deeper: list[tuple[str, tuple[str, ...]]] = []
        for name, path in level:
            if len(path) > NESTING_MAX:
                raise ExportError(
                    f"{group.place}: groups in {group.id!r} are nested more than {NESTING_MAX} deep:"
                    f" {' > '.join((group.id, *path))}."
                )
            for member in groups[name].members:
                if member in active:
                    paths.setdefault(member, path)
            for inner in sorted(set(groups[name].groups) - seen):
                seen.add(inner)
                deeper.append((inner, (*path, inner)))
        # Level by level, so that the first path to a member is a shortest one.
        level = deeper
    return Group(
        id=group.id,
        name=group.name,
        members=tuple(sorted(paths)),
        source="directory",
        paths={member: path for member, path in sorted(paths.items()) if path},
    )


def _refuse_cycles(groups: dict[str, NestedGroup]) -> None:
    done: set[str] = set()
    for start in groups:
        # Not recursive: a long chain of groups must not exhaust the stack.
        trail: dict[str, None] = {}
        steps = [(start, False)]
        while steps:
            name, leaving = steps.pop()
            if leaving:
                del trail[name]
                done.add(name)
            elif name in trail:
                names = [*trail]
                cycle = " > ".join((*names[names.index(name) :], name))
                raise ExportError(f"{groups[name].place}: group {name!r} is nested in itself: {cycle}.")
            elif name not in done:
                trail[name] = None
                steps.append((name, True))
                steps += [(each, False) for each in groups[name].groups]
