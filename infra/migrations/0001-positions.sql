-- Roles with least privilege, and how far each reader has come.
-- depends:

-- Roles belong to the whole cluster and have no login. Services SET ROLE to theirs when they connect.
-- In production grant each to a login of its own: grant assent_audit to the_login_of_the_audit_service.

-- migrate: apply

do $$
declare
  wanted text;
begin
  foreach wanted in array array['assent_audit', 'assent_status', 'assent_reader'] loop
    begin
      execute format('create role %I nologin', wanted);
    exception
      -- Another database of this cluster has made it, perhaps at this very moment.
      when duplicate_object or unique_violation then null;
    end;
  end loop;
end
$$;

create type ledger as enum ('assent.ledger', 'assent.governance');

-- Which log this database is a projection of: the SHA-256 of governance record 0.
create table log (
  identity text not null,
  only_row boolean primary key default true check (only_row)
);

-- The accepted head up to which a reader's rows are here. It moves in the transaction that writes the
-- rows, on the condition that it stood where the reader thought: so no record is taken in twice.
create table positions (
  reader text not null,
  ledger ledger not null,
  partition integer not null,
  seq bigint not null,
  value_sha256 text not null,
  governance bigint not null,
  next_offset bigint not null,
  primary key (reader, ledger, partition)
);

alter table positions enable row level security;
create policy audit_moves_its_own on positions to assent_audit using (reader = 'audit');
create policy status_moves_its_own on positions to assent_status using (reader = 'status');
create policy everybody_may_look on positions for select to assent_reader using (true);

grant select, insert on log to assent_audit, assent_status;
grant select on log to assent_reader;
grant select, insert, update on positions to assent_audit, assent_status;
grant select on positions to assent_reader;

-- migrate: rollback

drop table positions;
drop table log;
drop type ledger;
