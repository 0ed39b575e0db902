"""Faults in the rules of governance."""

from typing import Final

from tests.faults.fault import GOVERNANCE, OF_GOVERNANCE, Fault


def _governance(breaks: str, file: str, old: str, new: str) -> Fault:
    return Fault(breaks, f"{GOVERNANCE}/{file}.py", old, new, OF_GOVERNANCE)


FAULTS: Final = (
    _governance(
        "a writer's key is added a second time under another name",
        "writers",
        "    if from_base64url(writer.public_key) in governance.public_keys:\n",
        "    if from_base64url(writer.public_key) in governance.writer_ids:\n",
    ),
    _governance(
        "the last writer is retired",
        "writers",
        "    if governance.writers.keys() - retired:\n",
        "    if governance.writers:\n",
    ),
    _governance(
        "a retired writer's id is used again",
        "writers",
        "    if writer.id in governance.writer_ids or",
        "    if writer.id in governance.writers or",
    ),
    _governance(
        "a writer is added by one administrator",
        "writers",
        '    return "it concerns who writes the log"\n',
        "    return None\n",
    ),
    Fault(
        "log time is set back by one administrator",
        f"{GOVERNANCE}/time_corrections.py",
        'lambda _governance, _change, _asker: "it sets log time back",\n',
        "lambda _governance, _change, _asker: None,\n",
        (*OF_GOVERNANCE, "tests/unit/test_log_time.py"),
    ),
    _governance(
        "a policy is changed by one administrator",
        "policies",
        '    return "it changes a policy"\n',
        "    return None\n",
    ),
    _governance(
        "a disabled account is enabled by one administrator",
        "accounts",
        '    return "it lets a disabled account act again"\n',
        "    return None\n",
    ),
    _governance(
        "anybody changes governance",
        "change_permissions",
        '    if governance.has_role(principal, "administrator", kind):\n        return None\n',
        "    if principal:\n        return None\n",
    ),
    _governance(
        "no change is refused for locking people out",
        "lockout",
        "    if not governance.protected or isinstance(change, _NO_HARM):\n",
        "    if governance.protected or isinstance(change, _NO_HARM):\n",
    ),
    _governance(
        "an account's id is used again",
        "accounts",
        "    if account.id in governance.principals:\n",
        "    if account.id in governance.groups:\n",
    ),
    _governance(
        "two accounts differ only in case",
        "accounts",
        "    if there != account.id:\n",
        "    if not there:\n",
    ),
    _governance(
        "one key is registered for two principals",
        "signing_keys",
        "    if from_base64url(key.public_key) in governance.public_keys:\n",
        "    if from_base64url(key.public_key) in governance.keys:\n",
    ),
    _governance(
        "a key's validity is extended",
        "signing_keys",
        "    if change.not_after > key.not_after:\n",
        "    if change.not_after > key.not_after + key.not_after:\n",
    ),
    _governance(
        "a disabled account stays enabled",
        "state",
        "                self._set_enabled(principal, seq, enabled=False)\n",
        "                self._set_enabled(principal, seq, enabled=True)\n",
    ),
    _governance(
        "a retired writer continues to seal",
        "state",
        "                del self.writers[writer]\n                self.writers_since = seq\n",
        "                self.writers_since = seq\n",
    ),
    _governance(
        "state derived from governance is not renewed",
        "state",
        "        if events:\n            self._forget_derived()\n",
        "        if not events:\n            self._forget_derived()\n",
    ),
    _governance(
        "a change to an object that was changed since is carried out",
        "decide",
        "        if version is not None and version > as_of:\n",
        "        if version is not None and version < as_of - 1_000_000:\n",
    ),
    _governance(
        "a released change to governance is carried out although its digest differs",
        "carry_out",
        "    if sha256_hex(payload) != digest:\n",
        "    if not digest:\n",
    ),
)
