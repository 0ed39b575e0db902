-- R28: what differs at a target from what was applied to it, one row for each finding.
-- depends: 0014-upstreams

-- migrate: apply

create table findings (
  partition integer not null,
  seq bigint not null,
  resource text not null,
  target text not null,
  kind text not null check (kind in ('unexplained', 'different', 'missing', 'restored')),
  version text,
  request text,
  by text,
  detail text not null,
  reporter text not null,
  seen_at bigint,
  reported_at bigint not null,
  closed_by text,
  closing_reason text,
  closed_at bigint,
  id text generated always as (partition::text || '-' || seq::text) virtual,
  resource_type text generated always as (split_part(resource, '/', 1)) virtual,
  primary key (partition, seq)
);

comment on column findings.target is 'the name of the target in the reconciler''s configuration';
comment on column findings.kind is 'a finding of the kind restored is never open';
comment on column findings.version is 'what the target shows: a commit, a SHA-256, an ETag';
comment on column findings.request is 'the request that made what the target should show';
comment on column findings.by is 'who made the change, as the target states: nobody has checked it';
comment on column findings.seen_at is 'when the reconciler saw it, as it states; ms since 1970';
comment on column findings.closed_by is 'who closed it; null while it is open';

create index findings_by_report on findings (reported_at, partition, seq);
create index findings_open on findings (reported_at) where closed_by is null and kind <> 'restored';

grant select, insert, update on findings to assent_status;
grant select on findings to assent_reader, assent_gateway;

-- migrate: rollback

drop table findings;
