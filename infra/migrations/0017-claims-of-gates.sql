-- The number of a gate's claim, which its report names.
-- depends: 0016-sets

-- migrate: apply

alter table upstream_requests add column claim bigint;

comment on column upstream_requests.claim is 'the number of this gate''s claim: the ledger seq of its record';

-- migrate: rollback

alter table upstream_requests drop column claim;
