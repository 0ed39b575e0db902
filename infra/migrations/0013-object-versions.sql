-- R26: the versions of objects that submissions were made from and that changes made.
-- depends: 0012-claims

-- migrate: apply

alter table requests
  add column newest_version text,
  add column made_version text;

comment on column requests.details is 'R24, R26: the submission''s optional fields: {impact, fallback, tested, expected, emergency, tickets, base}';
comment on column requests.newest_version is 'R26: the object''s newest version that was known at the submission, if its base was another one';
comment on column requests.made_version is 'R26: the version that the change made, as its applier reported it';

-- migrate: rollback

alter table requests
  drop column newest_version,
  drop column made_version;
