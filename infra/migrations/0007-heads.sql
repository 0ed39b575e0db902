-- How far each ledger partition was, as a writer signed it: known where Kafka is not.
-- depends: 0006-gateway

-- migrate: apply

create table heads (
  ledger ledger not null,
  partition integer not null,
  era text not null,
  seq bigint not null,
  value text not null,
  writer text not null,
  seal text not null,
  primary key (ledger, partition, era, writer)
);

comment on table heads is 'the newest head of each partition by each writer; who reads it drops what no writer signed';
comment on column heads.era is 'the id of the last accepted loss; empty before the first';
comment on column heads.value is 'the signed bytes';

-- What is known never becomes less, whoever writes it.
create function heads_only_move_forward() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and new.seq >= old.seq and (new.ledger, new.partition, new.era, new.writer)
    = (old.ledger, old.partition, old.era, old.writer) then
    return new;
  end if;
  raise exception 'a known head only moves forward';
end
$$;

create trigger heads_only_move_forward before update or delete on heads
for each row execute function heads_only_move_forward();

create trigger heads_are_not_emptied before truncate on heads
for each statement execute function heads_only_move_forward();

grant select, insert, update on heads to assent_status;
grant select on heads to assent_reader, assent_gateway, assent_audit, assent_notify;

-- migrate: rollback

drop table heads;
drop function heads_only_move_forward();
