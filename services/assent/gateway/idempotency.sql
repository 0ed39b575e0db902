-- name: first_sent
insert into sent_commands as known (command_id, sent_at, at_once) values ($1, $2, $3)
on conflict (command_id) do update
  set sent_at = case when known.sent_at <= $4 then excluded.sent_at else known.sent_at end,
      at_once = case when known.sent_at <= $4 then excluded.at_once else known.at_once end
returning sent_at, at_once

-- name: forget
delete from sent_commands where sent_at <= $1
