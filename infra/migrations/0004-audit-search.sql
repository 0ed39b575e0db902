-- R16: the audit log is searched by anything and read from its newest end.
-- depends: 0003-requests

-- migrate: apply

-- Log time only grows (within a partition), so a COPY adds to the index at its end, which is cheap. A search
-- reads it backwards; an index with `at desc` would give what has the same ms in the wrong order.
create index audit_by_time on audit (at, ledger, partition, seq);

-- migrate: rollback

drop index audit_by_time;
