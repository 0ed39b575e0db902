-- R29: notify knows which requests are members of a set, of which nobody is notified one by one.
-- depends: 0015-findings

-- migrate: apply

alter table notification_requests add column part_of text;

comment on column notification_requests.part_of is 'R29: the request of the set that it is a member of';

-- migrate: rollback

alter table notification_requests drop column part_of;
