-- R29: the members of a set are found at once, among any number of requests.
-- depends: 0017-claims-of-gates

-- migrate: apply

alter table requests add column part_of text generated always as (details ->> 'part_of') virtual;

comment on column requests.part_of is 'R29: the request of the set that its submission names; only those that the set lists are its members';

-- Of all requests, although few are members: the statistics of a partial index would count only these, and the planner
-- would take each set for the whole table.
create index requests_by_set on requests ((details ->> 'part_of'));

-- migrate: rollback

drop index requests_by_set;
alter table requests drop column part_of;
