-- R24: what a submission states besides what is changed and why, for lists that are filtered by it.
-- depends: 0010-gathered-notifications

-- migrate: apply

alter table requests add column details jsonb not null default '{}';

comment on column requests.details is 'R24: the submission''s optional fields: {impact, fallback, tested, expected, emergency, tickets}';

create index requests_by_details on requests using gin (details jsonb_path_ops);

-- migrate: rollback

drop index requests_by_details;
alter table requests drop column details;
