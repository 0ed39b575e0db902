"""The limit on every input. Sizes are in bytes or characters and times in milliseconds, as the names show."""

from typing import Final

PAYLOAD_MAX_BYTES: Final = 256 * 1024
COMMAND_MAX_BYTES: Final = PAYLOAD_MAX_BYTES + 16 * 1024
"""A whole command: the payload, with room for the other fields. A limit of old logs: it stays as it is."""

GOVERNANCE_COMMAND_MAX_BYTES: Final = COMMAND_MAX_BYTES
"""As large as a request for the same change could be."""

PAYLOAD_MAX_DEPTH: Final = 64
"""Nested arrays and objects in a payload. Deeper ones exhaust the stack of some readers."""

NUMBER_MAX_CHARS: Final = 64
"""A number as written. Some readers fail on longer ones or read another value."""

DETAIL_MAX_CHARS: Final = 200
"""A refusal's detail, which is kept forever and may quote a sender."""

TERMS_MAX_BYTES: Final = 256 * 1024
"""The terms of all policies of one resource type together, which a submission's record repeats."""

JUSTIFICATION_MAX_CHARS: Final = 1_024
IMPACT_MAX_CHARS: Final = 1_024
FALLBACK_MAX_CHARS: Final = 1_024
EXPECTED_MAX_CHARS: Final = 1_024
TESTED_MAX: Final = 16
"""References to tests in one submission."""
TESTED_WHAT_MAX_CHARS: Final = 256
URI_MAX_CHARS: Final = 1_024
TICKETS_MAX: Final = 16
TICKET_MAX_CHARS: Final = 64
WINDOW_AHEAD_MAX_MS: Final = 366 * 24 * 60 * 60 * 1_000
"""How far ahead a change can be to begin. Until it ends, its request holds the object."""
FREEZES_MAX: Final = 64
"""Freeze periods of one policy."""
FREEZE_REASON_MAX_CHARS: Final = 128
SET_MEMBERS_MAX: Final = 1_000
"""R29: objects of one set."""
SET_CONFIRM_MS: Final = 60 * 60 * 1_000
"""R29: how long a set waits for all its members. Then it expires, and its locks are freed."""
SET_AHEAD_MAX_MS: Final = 30 * 24 * 60 * 60 * 1_000
"""R29: how far ahead the end of a set's window can be."""
SET_MEMBER_GRACE_MS: Final = 7 * 24 * 60 * 60 * 1_000
"""R29: how long after that end a member still waits for the release of its set."""
VERSION_MAX_CHARS: Final = 256
"""A version of an object, as its target names it."""
NOTE_MAX_CHARS: Final = 1_024
REASON_MAX_CHARS: Final = 1_024
OUTCOME_MESSAGE_MAX_CHARS: Final = 4_096
TARGET_NAME_MAX_CHARS: Final = 64
FINDING_BY_MAX_CHARS: Final = 128
FINDING_DETAIL_MAX_CHARS: Final = 1_024
FINDINGS_OPEN_MAX: Final = 10_000
"""Findings of one reconciler that are open in one partition at the same time. Others keep their own share."""
CLAIM_MAX_MS: Final = 24 * 60 * 60 * 1_000
"""How long one claim can be held, with all its renewals, in ms of log time."""
COMMAND_ID_MAX_CHARS: Final = 128
NAME_MAX_CHARS: Final = 128
DESCRIPTION_MAX_CHARS: Final = 1_024
RESOURCE_ID_MAX_CHARS: Final = 256
RESOURCE_TYPE_MAX_CHARS: Final = 64

KEY_MAX_BYTES: Final = RESOURCE_TYPE_MAX_CHARS + 1 + 4 * RESOURCE_ID_MAX_CHARS
"""A Kafka key: a resource in UTF-8."""

MEMBERS_MAX: Final = 10_000
GROUPS_MAX: Final = 64
NESTING_MAX: Final = 16
"""Groups on the path from a group to one of its members."""
ASSIGNED_MAX: Final = 1_000
"""Groups, principals and resource types that one role assignment names."""
RULES_MAX: Final = 16
WRITERS_MAX: Final = 64
"""Keys that can seal the log at the same time."""
KEYS_MAX: Final = 100
"""Keys of one principal that are not revoked."""
QUORUM_MAX: Final = 100
OPEN_REQUESTS_MAX: Final = 10_000_000
LONGEST_MS: Final = 36_500 * 24 * 60 * 60 * 1_000
"""The longest time that a setting or a policy can name: a hundred years."""
FOR_EVER_MS: Final = (1 << 53) - 1
"""A time that never comes: the last one that every JSON reader keeps exact."""
PARTITIONS_MAX: Final = 1_024
LOSSES_MAX: Final = 64
"""Eras that one accepted loss gives up."""

COMMAND_MAX_AGE_MS: Final = 24 * 60 * 60 * 1_000
COMMAND_MAX_AHEAD_MS: Final = 5 * 60 * 1_000
"""How far a sender's clock may run ahead of log time."""

COMMAND_MEMORY_MS: Final = COMMAND_MAX_AGE_MS + COMMAND_MAX_AHEAD_MS
"""How long a command id is remembered: as long as a copy of the command could arrive and not be stale."""

RATE_WINDOW_MS: Final = 60 * 1_000
"""The window of log time in which a principal's commands are counted. It begins at a full minute."""
COPIES_PER_MINUTE: Final = 1_000
"""How many copies of one principal's commands a partition answers in a minute: anyone can send copies."""
COMMANDS_PER_MINUTE_MAX: Final = 1_000_000_000
REMEMBERED_COMMANDS_MAX: Final = 1_000_000_000
"""The largest values of the settings."""

RUN_MAX_RECORDS: Final = 10_000
RUN_MAX_BYTES: Final = 16 * 1024 * 1024
"""The most that a reader holds of unsealed records while it waits for their seal."""

RECORD_MAX_BYTES: Final = 1024 * 1024

PRODUCE_MAX_BYTES: Final = 2 * 1024 * 1024
"""A batch that is sent to the broker: enough for the largest record, or for many usual ones."""
