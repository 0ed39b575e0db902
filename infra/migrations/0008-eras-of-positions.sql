-- In which era of the log each position was reached: an accepted loss may have given it up since.
-- depends: 0007-heads

-- migrate: apply

alter table positions add column era text not null default '';

comment on column positions.era is 'the id of the last accepted loss; empty before the first';

-- migrate: rollback

alter table positions drop column era;
