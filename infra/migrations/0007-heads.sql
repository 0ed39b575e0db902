-- How far each ledger partition was, as a writer signed it: known where Kafka is not.
-- depends: 0006-gateway

-- migrate: apply

create table heads (
  digest bytea primary key,
  ledger ledger not null,
  partition integer not null,
  era text not null,
  seq bigint not null,
  value text not null check (octet_length(value) <= 1024),
  writer text not null check (octet_length(writer) <= 256),
  seal text not null check (octet_length(seal) = 86),
  kept_at timestamptz not null
);

create index heads_by_slot on heads (ledger, partition, era, writer, kept_at);

comment on table heads is 'heads of each partition by each writer; who reads them drops what no writer signed';
comment on column heads.digest is 'SHA-256 of writer, seal and value: a false row stands in no true one''s way';
comment on column heads.era is 'the id of the last accepted loss; empty before the first';
comment on column heads.value is 'the signed bytes, from which ledger, partition, era and seq are taken';

create function head_is_kept() returns trigger language plpgsql as $$
declare
  said jsonb := new.value::jsonb;
begin
  new.digest := sha256(convert_to(concat_ws(e'\n', new.writer, new.seal, new.value), 'UTF8'));
  new.ledger := ('assent.' || (said ->> 'ledger'))::ledger;
  new.partition := (said ->> 'partition')::integer;
  new.era := coalesce(said ->> 'era', '');
  new.seq := (said ->> 'seq')::bigint;
  new.kept_at := clock_timestamp();
  return new;
end
$$;

create trigger head_is_kept before insert on heads for each row execute function head_is_kept();

-- Postgres cannot tell a good head from a false one, whatever seq it names. So nobody but the table's owner,
-- who is a person, can make it forget at once what was known: the first row of each day stays for a week, and
-- then until another has stood for a week beside it. What a statement may not delete is left, without an error.
create function head_may_go() returns trigger language plpgsql as $$
declare
  a_week_ago constant timestamptz := clock_timestamp() - interval '7 days';
begin
  if current_user = (select tableowner from pg_tables
      where schemaname = tg_table_schema and tablename = tg_table_name) then
    return old;
  end if;
  if exists (
    select from heads
    where (ledger, partition, era, writer) = (old.ledger, old.partition, old.era, old.writer)
      and kept_at >= date_trunc('day', old.kept_at, 'UTC')
      and (kept_at, digest) < (old.kept_at, old.digest)
  ) or exists (
    select from heads
    where (ledger, partition, era, writer) = (old.ledger, old.partition, old.era, old.writer)
      and kept_at < a_week_ago
      and (kept_at, digest) > (old.kept_at, old.digest)
  ) then
    return old;
  end if;
  return null;
end
$$;

create trigger head_may_go before delete on heads for each row execute function head_may_go();

create function heads_are_only_added() returns trigger language plpgsql as $$
begin
  raise exception 'heads are added and never changed';
end
$$;

create trigger heads_are_not_changed before update on heads
for each row execute function heads_are_only_added();

create trigger heads_are_not_emptied before truncate on heads
for each statement execute function heads_are_only_added();

grant select, insert, delete on heads to assent_status;
grant select on heads to assent_reader, assent_gateway, assent_audit, assent_notify;

-- migrate: rollback

drop table heads;
drop function head_is_kept();
drop function head_may_go();
drop function heads_are_only_added();
